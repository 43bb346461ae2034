import { PREPARE } from "#base/prepare.ts";
import { type Ctx, type DomainRef, inTransaction, saveUnits, sql } from "#sdk";
import { containerBlob, containerManifest, containerSignature, containerTag } from "./content.ts";
import { type ConfigFacts, NO_CONFIG } from "./format/config.ts";
import { type ManifestFacts, traitsOf } from "./format/manifest.ts";
import { knownDigests } from "./queries.ts";
import { namesConfig, readConfigs } from "./read-configs.ts";
import type { Trx } from "./trx.ts";

/** A unit that was found or made. */
export interface Saved {
  /** `content.id` */
  readonly id: string;
  readonly isNew: boolean;
}

/** How units are saved. */
interface Saving {
  readonly trx?: Trx;
  /** Few, and most likely new; in a transaction that is short. */
  readonly areNew?: boolean;
}

export interface BlobInput {
  readonly digest: string;
  /** Bytes; null if nobody has said. */
  readonly size: number | null;
  /** `artifact.id`; null while the bytes are not here. */
  readonly artifact: string | null;
  /** Where a remote has the bytes. */
  readonly source?: {
    /** `remote.id` */
    readonly remote: string;
    readonly url: string;
  };
}

/**
 * Finds or makes blobs; one whose bytes were not here, or are no longer, takes the artifact.
 *
 * @returns one entry per blob, in the order given; so do the other functions of this file.
 */
export function saveBlobs(
  ctx: Ctx,
  domain: DomainRef,
  { blobs, ...how }: Saving & { readonly blobs: readonly BlobInput[] },
): Promise<Saved[]> {
  const units = blobs.map(blobUnit);
  return inTransaction(ctx, how.trx, async (t) => {
    const batch = { domain, type: containerBlob, units, areNew: how.areNew === true };
    const saved = await saveUnits(ctx, batch, t);
    await sizeBlobs(t, domain, { blobs, saved });
    return saved;
  });
}

/** A blob as `saveUnits` takes it. */
export const blobUnit = ({ digest, size, artifact, source }: BlobInput) => ({
  row: { digest, size },
  files: [{ relativePath: digest, artifact, ...fileSource({ digest, size, source }) }],
});

function fileSource({
  digest,
  size,
  source,
}: Omit<BlobInput, "artifact" | "source"> & {
  readonly source: BlobInput["source"] | undefined;
}) {
  if (!source) return {};
  const [algorithm, hex = ""] = digest.split(":");
  const digests =
    algorithm === "sha256" ? { sha256: hex } : { otherDigests: { [String(algorithm)]: hex } };
  return { source: { ...source, ...digests, ...(size === null ? {} : { size }) } };
}

/** Blobs that were only known by name learn how large they are. */
async function sizeBlobs(
  trx: Trx,
  domain: DomainRef,
  { blobs, saved }: { readonly blobs: readonly BlobInput[]; readonly saved: readonly Saved[] },
): Promise<void> {
  const sized = blobs.flatMap(({ size }, index) => {
    const unit = saved[index];
    return unit && !unit.isNew && size !== null ? [{ id: unit.id, size }] : [];
  });
  if (sized.length === 0) return;
  await sql`
    update container_blob b set size = u.size
    from unnest(${sized.map(({ id }) => id)}::uuid[], ${sized.map(({ size }) => size)}::bigint[])
      as u (id, size)
    where b.domain = ${domain.num} and b.id = u.id and b.size is null`.execute(trx);
}

export interface ManifestInput {
  readonly facts: ManifestFacts;
  /** Of the configuration; without it the stored blob is read, if there is one. */
  readonly config?: ConfigFacts;
  /** What the list says that brought the manifest along: it wins (plugin-container §2.2). */
  readonly platform?: Pick<ConfigFacts, "architecture" | "os">;
}

/**
 * Finds or makes manifests, with what they name. A caller that saves many bounds the bytes of one
 * call.
 */
export async function saveManifests(
  ctx: Ctx,
  domain: DomainRef,
  { manifests, trx, ...how }: Saving & { readonly manifests: readonly ManifestInput[] },
): Promise<Saved[]> {
  const facts = manifests.flatMap(({ facts: each, config }) => (config ? [] : [each]));
  const configs = await unreadConfigs(ctx, domain, { facts, trx });
  const units = manifests.map((manifest) =>
    manifestUnit(manifest, configs.get(manifest.facts.digest)),
  );
  return inTransaction(ctx, trx, async (t) => {
    const batch = { domain, type: containerManifest, units, areNew: how.areNew === true };
    const saved = await saveUnits(ctx, batch, t);
    await saveReferences(t, domain, { manifests, saved });
    return saved;
  });
}

/** Configurations of manifests that are not here yet, by the digest of the manifest. */
export async function unreadConfigs(
  ctx: Ctx,
  domain: DomainRef,
  { facts, trx }: { readonly facts: readonly ManifestFacts[]; readonly trx?: Trx | undefined },
): Promise<Map<string, ConfigFacts>> {
  const withConfig = facts.filter(namesConfig);
  if (withConfig.length === 0) return new Map();
  const digests = withConfig.map(({ digest }) => digest);
  const known = await knownDigests(trx ?? ctx.db, domain, { table: "container_manifest", digests });
  const unread = withConfig.filter(({ digest }) => !known.has(digest));
  return readConfigs(ctx, domain, { facts: unread, trx });
}

/** A manifest as `saveUnits` takes it. */
export const manifestUnit = (manifest: ManifestInput, read?: ConfigFacts) => ({
  row: manifestRow(manifest, read),
  files: [],
});

function manifestRow({ facts, config: given, platform }: ManifestInput, read?: ConfigFacts) {
  const config = given ?? read ?? NO_CONFIG;
  const { type, isBootable, isFlatpak } = traitsOf(facts, config);
  const own = facts.platform;
  return {
    digest: facts.digest,
    media_type: facts.mediaType,
    schema_version: facts.schemaVersion,
    size: facts.bytes.length,
    body: facts.bytes,
    type,
    artifact_type: facts.referrerType,
    subject: facts.subject,
    annotations: facts.annotations,
    labels: config.labels,
    is_bootable: isBootable,
    is_flatpak: isFlatpak,
    architecture: platform?.architecture ?? own.architecture ?? config.architecture,
    os: platform?.os ?? own.os ?? config.os,
    compressed_image_size: facts.compressedImageSize,
  };
}

/** What new manifests name; those that were there have it already. */
async function saveReferences(
  trx: Trx,
  domain: DomainRef,
  {
    manifests,
    saved,
  }: { readonly manifests: readonly ManifestInput[]; readonly saved: readonly Saved[] },
): Promise<void> {
  const made = manifests.flatMap(({ facts }, index) => {
    const unit = saved[index];
    return unit?.isNew ? [{ id: unit.id, facts }] : [];
  });
  if (made.some(({ facts }) => facts.references.length > 0)) {
    await referenceInsert(domain, made).execute(trx);
  }
}

/** What new manifests name, by `content.id`. */
export function referenceInsert(
  domain: DomainRef,
  manifests: readonly { readonly id: string; readonly facts: ManifestFacts }[],
) {
  const rows = manifests.flatMap(({ id, facts: { references } }) =>
    references.map(({ kind, position, digest, mediaType, size, platform }) => ({
      ...{ manifest: id, kind, position, digest, media_type: mediaType, size, platform },
    })),
  );
  return sql`${sql.raw(PREPARE)}
    insert into container_reference
      (domain, manifest, kind, position, digest, media_type, size, platform)
    select ${domain.num}::int, manifest, kind, position, digest, media_type, size, platform
    from json_to_recordset(${JSON.stringify(rows)}::json) as r (manifest uuid, kind text,
      position int, digest text, media_type text, size bigint, platform jsonb)`;
}

export interface TagInput {
  readonly name: string;
  /** `content.id` */
  readonly manifest: string;
}

/** A tag as `saveUnits` takes it. */
export const tagUnit = ({ name, manifest }: TagInput) => ({ row: { name, manifest }, files: [] });

/** Finds or makes tags; the manifests have to be there. */
export const saveTags = (
  ctx: Ctx,
  domain: DomainRef,
  { tags, trx, areNew = false }: Saving & { readonly tags: readonly TagInput[] },
): Promise<Saved[]> =>
  saveUnits(
    ctx,
    {
      ...{ domain, type: containerTag, areNew },
      units: tags.map(tagUnit),
    },
    trx,
  );

export interface SignatureInput {
  /** `<manifest digest>@<32 hex>` */
  readonly name: string;
  /** `sha256:` over the binary signature. */
  readonly digest: string;
  /** Upper-case hex. */
  readonly keyId: string;
  readonly fingerprint: string | null;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly creator: string;
  /** `content.id` of what is signed. */
  readonly manifest: string;
  /** The binary signature. */
  readonly body: Buffer;
}

/** Finds or makes signatures; the manifests have to be there. */
export const saveSignatures = (
  ctx: Ctx,
  domain: DomainRef,
  { signatures, trx }: { readonly signatures: readonly SignatureInput[]; readonly trx?: Trx },
): Promise<Saved[]> =>
  saveUnits(
    ctx,
    {
      ...{ domain, type: containerSignature },
      units: signatures.map(({ keyId, ...row }) => ({
        row: { ...row, type: "atomic", key_id: keyId },
        files: [],
      })),
    },
    trx,
  );

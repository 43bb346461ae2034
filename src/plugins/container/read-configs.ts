import { mapBounded } from "#base/parallel.ts";
import { type Ctx, type DomainRef, openArtifact } from "#sdk";
import { type ConfigFacts, MAX_CONFIG_BYTES, readConfig } from "./format/config.ts";
import type { ManifestFacts } from "./format/manifest.ts";
import { isImageConfig } from "./format/media-types.ts";
import { storedBlobs } from "./queries.ts";
import type { Trx } from "./trx.ts";

/** Files that are open at a time. */
const AT_ONCE = 8;

/**
 * What the configurations of images say, by the digest of the manifest; those whose bytes are not
 * here are left out (plugin-container §10.4).
 */
export async function readConfigs(
  ctx: Ctx,
  domain: DomainRef,
  { facts, trx }: { readonly facts: readonly ManifestFacts[]; readonly trx?: Trx | undefined },
): Promise<Map<string, ConfigFacts>> {
  const wanted = facts.flatMap((each) => {
    const config = readableConfig(each);
    return config ? [{ manifest: each.digest, blob: config.digest }] : [];
  });
  if (wanted.length === 0) return new Map();
  const blobs = await storedBlobs(
    trx ?? ctx.db,
    domain,
    wanted.map(({ blob }) => blob),
  );
  const read = await mapBounded(wanted, AT_ONCE, async ({ manifest, blob }) => {
    const stored = blobs.get(blob);
    const config = stored && (await readStored(ctx, domain, stored));
    return config ? [[manifest, config] as const] : [];
  });
  return new Map(read.flat());
}

const readableConfig = ({ references }: ManifestFacts) =>
  references.find(
    ({ kind, mediaType, size }) =>
      kind === "config" && isImageConfig(mediaType) && (size ?? 0) <= MAX_CONFIG_BYTES,
  );

/** Whether the configuration says something that is kept. */
export const namesConfig = (facts: ManifestFacts): boolean => readableConfig(facts) !== undefined;

/** A file that is lost says nothing: the blob is repaired, and the manifest is served without. */
async function readStored(
  ctx: Ctx,
  domain: DomainRef,
  { artifact, sizeBytes }: { readonly artifact: string; readonly sizeBytes: number },
): Promise<ConfigFacts | undefined> {
  if (sizeBytes > MAX_CONFIG_BYTES) return undefined;
  try {
    await using stored = await openArtifact(ctx, domain, artifact);
    return readConfig(await stored.file.read(0, stored.file.sizeBytes));
  } catch (error) {
    ctx.log.warn(`The configuration of an image could not be read: ${error}`);
    return undefined;
  }
}

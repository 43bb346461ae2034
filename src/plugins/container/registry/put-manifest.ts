import { hash } from "node:crypto";
import { CodedError } from "#base/errors.ts";
import { applyRetention, pushes } from "#sdk";
import { commitEdit, commitPush } from "../commit.ts";
import { Malformed, type ManifestFacts, readManifest } from "../format/manifest.ts";
import { isIndexType, SCHEMA1 } from "../format/media-types.ts";
import { type Digest, isTag, parseDigest } from "../format/names.ts";
import { presentDigests } from "../queries.ts";
import { saveManifests, saveTags } from "../save.ts";
import { sendEmpty } from "./answers.ts";
import { registryErrors } from "./errors.ts";
import { missingBlobs } from "./manifest-rules.ts";
import { namesDigest } from "./manifests.ts";
import { patiently } from "./patience.ts";
import { pushTogether } from "./push-together.ts";
import { changeEntry, type Registry, type RepositoryVisit } from "./registry.ts";
import { checkCondition, type TagCondition, tagCondition } from "./tag-condition.ts";
import { callerOf, pushTarget, type Target } from "./target.ts";
import { checkSize, readSmall } from "./uploads/body.ts";
import { queryOf } from "./visit.ts";

/** Tags that one PUT may set. */
const MOST_TAGS = 100;
/** Larger manifests are rare, and many of them at one stroke would need much memory. */
const SHARED_BYTES = 65_536;

/** PUT of a manifest, by tag or digest: committed as a version before it is answered. */
export async function putManifest(
  registry: Registry,
  visit: RepositoryVisit,
  { reference }: { readonly reference: string },
): Promise<void> {
  const tags = tagsOf(visit, reference);
  const condition = tags.length > 0 ? tagCondition(visit.exchange.request.headers) : undefined;
  const bytes = await manifestBytes(registry, visit);
  const facts = checkedFacts(visit, reference, bytes);
  const target = await pushTarget(registry, visit, { mayCreate: isIndexType(facts.mediaType) });
  checkSize(target.terms, bytes.length);
  await push(registry, visit, { target, facts, tags, condition });
  registry.memory.outdateRepository(target.repository.id);
  await pushes.note(registry.ctx, target.repository.id);
  sendEmpty(visit, 201, {
    Location: `${visit.prefix}v2/${visit.name.full}/manifests/${facts.digest}`,
    "Docker-Content-Digest": facts.digest,
    ...(facts.subject === null ? {} : { "OCI-Subject": facts.subject }),
    ...(namesDigest(reference) && tags.length > 0 ? { "OCI-Tag": tags } : {}),
  });
}

/** Tags to set: the reference, or what `?tag=` names beside a digest. */
function tagsOf(visit: RepositoryVisit, reference: string): string[] {
  if (!namesDigest(reference)) {
    if (!isTag(reference)) throw registryErrors.tagInvalid(reference);
    return [reference];
  }
  if (!parseDigest(reference)) {
    throw registryErrors.digestInvalid(reference, "The digest is not valid.");
  }
  const tags = [...new Set(queryOf(visit).getAll("tag"))];
  if (tags.length > MOST_TAGS) throw registryErrors.tooManyTags();
  const wrong = tags.find((tag) => !isTag(tag));
  if (wrong !== undefined) throw registryErrors.tagInvalid(wrong);
  return tags;
}

async function manifestBytes({ settings }: Registry, { exchange }: RepositoryVisit) {
  const { REGISTRY_MANIFEST_MAX_SIZE: limit } = settings;
  return readSmall(exchange.request, limit, () => registryErrors.manifestTooLarge(limit));
}

function checkedFacts(
  { exchange }: RepositoryVisit,
  reference: string,
  bytes: Buffer,
): ManifestFacts {
  const digest = parseDigest(reference);
  const contentType = exchange.request.headers["content-type"];
  const facts = readOrRefuse(bytes, reference, {
    ...(contentType === undefined ? {} : { contentType }),
    ...(digest ? { algorithm: digest.algorithm } : {}),
  });
  if (digest && facts.digest !== reference) throw registryErrors.digestInvalid(reference);
  if (facts.mediaType === SCHEMA1) throw registryErrors.schema1(facts.digest);
  const unlinked = facts.references.some(({ isForeign, hasUrls }) => isForeign && !hasUrls);
  if (unlinked) {
    const text = "The URL of a foreign layer must be specified.";
    throw registryErrors.manifestInvalid(text, facts.digest);
  }
  return facts;
}

function readOrRefuse(
  bytes: Buffer,
  reference: string,
  options: Parameters<typeof readManifest>[1],
): ManifestFacts {
  try {
    return readManifest(bytes, options);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    // What the bytes hash to is told apart from what they say.
    const digest = parseDigest(reference);
    if (digest && !hashesTo(bytes, digest)) throw registryErrors.digestInvalid(reference);
    throw registryErrors.manifestInvalid(error.message, reference);
  }
}

const hashesTo = (bytes: Buffer, { algorithm, hex }: Digest): boolean =>
  hash(algorithm, bytes, "hex") === hex;

interface Pushed {
  readonly target: Target;
  readonly facts: ManifestFacts;
  readonly tags: readonly string[];
  readonly condition: TagCondition | undefined;
}

/** With what others push at the same time, or with patience where its repository is held. */
async function push(registry: Registry, visit: RepositoryVisit, pushed: Pushed): Promise<void> {
  const { ctx, tools, pushMemory: memory } = registry;
  const { target, facts, tags, condition } = pushed;
  const { place, repository } = target;
  const entry = changeEntry(registry, visit, {
    ...{ operation: "registry_manifest_push", status: 201, place },
  });
  const one = { caller: callerOf(visit, place), repository: repository.id, facts, tags };
  const outcome =
    facts.bytes.length > SHARED_BYTES || condition || target.terms.mayOverwrite === false
      ? "alone"
      : await pushTogether(ctx, { ...one, entry, tools, memory });
  if (outcome === "retains") await applyRetention(ctx, repository.id);
  if (outcome === "done" || outcome === "retains") return;
  if (outcome !== "alone") throw registryErrors.blobsUnknown(outcome.missing);
  await patiently(() => persist(registry, visit, pushed));
  await tools.record(entry);
}

async function persist(
  { ctx }: Registry,
  visit: RepositoryVisit,
  { target, facts, tags, condition }: Pushed,
): Promise<void> {
  const { domain } = target.place;
  const repository = { id: target.repository.id, domain: domain.num };
  const digests = facts.references.map(({ digest }) => digest);
  const present = await presentDigests(ctx.db, repository, digests);
  const missing = missingBlobs(facts, present);
  if (missing.length > 0) throw registryErrors.blobsUnknown(missing);
  const [manifest] = await saveManifests(ctx, domain, { manifests: [{ facts }] });
  if (!manifest) throw new Error("A manifest was not saved.");
  const named = tags.map((name) => ({ name, manifest: manifest.id }));
  const saved = await saveTags(ctx, domain, { tags: named });
  const add = [manifest.id, ...[...present.values()].map(({ id }) => id)];
  const byName = new Map(saved.map(({ id }, index) => [tags[index] ?? "", id]));
  const caller = callerOf(visit, target.place);
  const keepsTags = target.terms.mayOverwrite === false;
  const pushed = { caller, add: [...new Set(add)], tags: byName, keepsTags };
  const done = condition
    ? commitEdit(ctx, repository.id, {
        caller,
        edit: async (trx) => {
          await checkCondition(trx, target, { tags, condition });
          const all = new Set([...add, ...byName.values()]);
          return { add: [...all], remove: [], overwrite: !keepsTags };
        },
      })
    : commitPush(ctx, repository.id, pushed);
  await done.catch((error) => {
    throw keepsTags && isOverwrite(error) ? registryErrors.tagTaken(tags) : error;
  });
}

/** A tag would have moved. */
const isOverwrite = (error: unknown): boolean =>
  error instanceof CodedError && error.code === "PLP0023";

import { parseDigest } from "../format/names.ts";
import { STANDARD_HEADERS, sendAnswer, sendBytes, sendEmpty } from "./answers.ts";
import { type FoundBlob, findBlob } from "./blob-queries.ts";
import { counted } from "./count-sent.ts";
import { registryErrors } from "./errors.ts";
import { isSame, nameOf, type Place } from "./places.ts";
import { noteRequest } from "./recall.ts";
import { type Registry, type RepositoryVisit, recordChange, servedPlace } from "./registry.ts";
import { removeBlob } from "./remove.ts";
import type { Answer, Exchange } from "./visit.ts";

/** gzip of an empty tar: old images name it, and every repository has it (plugin-container §2.5). */
const EMPTY_LAYER = {
  digest: "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4",
  bytes: Buffer.from("1f8b080000096e8800ff621805a360148c5800080000ffff2eafb5ef00040000", "hex"),
};

/** GET and HEAD of a blob, from memory where it was asked for before. */
export function serveBlob(
  registry: Registry,
  visit: RepositoryVisit,
  { digest }: { readonly digest: string },
): undefined | Promise<void> {
  if (!parseDigest(digest)) throw registryErrors.blobUnknown(digest);
  const place = registry.memory.place(visit.name);
  if (place instanceof Promise) return serveFresh(registry, visit, { digest, place });
  const key = keyOf(visit, place, digest);
  const kept = registry.memory.answer(key);
  if (!kept) return serveFresh(registry, visit, { digest, place });
  const { sizeBytes } = kept;
  const of = { place, path: `blobs/${digest}`, sizeBytes, isFromMemory: true };
  const sent = counted(registry, visit, sendAnswer(registry, visit.exchange, kept), of);
  if (isForMemory(registry, visit.exchange, kept))
    return sent?.then(() => promote(registry, key, kept));
  noteRequest(registry, visit, { place, key, type: null });
  return sent;
}

/** Blobs up to this size are kept in memory once they are asked for again. */
const MEDIUM_BYTES = 2_097_152;

const isForMemory = (
  { settings }: Registry,
  { isHead }: Exchange,
  { body, sizeBytes }: Answer,
): boolean =>
  body.kind === "file" &&
  !isHead &&
  sizeBytes <= Math.min(MEDIUM_BYTES, settings.REGISTRY_CACHE_BYTES / 32);

/** Many may ask for it at the same time; it is read once. */
const promoting = new WeakSet<Answer>();

async function promote({ ctx, tools, memory }: Registry, key: string, kept: Answer): Promise<void> {
  if (promoting.has(kept)) return;
  promoting.add(kept);
  try {
    memory.replace(key, kept, await tools.sender.inMemory(kept));
  } catch (error) {
    // It was sent; whoever asks next finds out what is wrong with the file.
    ctx.log.debug(`${key} is not kept in memory: ${error}`);
  } finally {
    promoting.delete(kept);
  }
}

/** Addresses at object stores are signed for a method. */
const keyOf = ({ exchange }: RepositoryVisit, { distribution }: Place, digest: string): string =>
  `${distribution} blob ${exchange.isHead ? "HEAD" : "GET"} ${digest}`;

async function serveFresh(
  registry: Registry,
  visit: RepositoryVisit,
  asked: { readonly digest: string; readonly place: Place | Promise<Place | undefined> },
): Promise<void> {
  const { digest } = asked;
  const { moment } = registry.memory;
  const known = await servedPlace(registry, visit, asked.place);
  const { place, blob } = await blobAt(registry, visit, known, digest);
  if (!blob) return serveAbsent(visit, digest);
  if (!blob.artifact) return sendFromUpstream(registry, visit, place, blob);
  const answer = await answerFor(registry, visit, { place, digest, blob });
  // Signed addresses end sooner than answers do.
  if (answer.status === 200) {
    registry.memory.keep(keyOf(visit, place, digest), answer, { place, moment });
  }
  const { contentArtifact, artifact } = blob;
  const of = { place, path: `blobs/${digest}`, contentArtifact, sizeBytes: artifact.sizeBytes };
  await counted(registry, visit, sendAnswer(registry, visit.exchange, answer), of);
}

/** Looks once more where another process may have added it a moment ago, then elsewhere. */
async function blobAt(
  registry: Registry,
  visit: RepositoryVisit,
  known: Place,
  digest: string,
): Promise<{ readonly place: Place; readonly blob: FoundBlob | undefined }> {
  const blob = await findBlob(registry.ctx, known, digest);
  if (blob) return { place: known, blob };
  const place = (await registry.memory.freshPlace(nameOf(known))) ?? known;
  const again = isSame(place, known) ? undefined : await findBlob(registry.ctx, place, digest);
  if (again || !(await registry.upstream.blob(visit, place, digest))) return { place, blob: again };
  return { place, blob: await findBlob(registry.ctx, place, digest) };
}

function serveAbsent(visit: RepositoryVisit, digest: string): void {
  if (digest !== EMPTY_LAYER.digest) throw registryErrors.blobUnknown(digest);
  const headers = { ...STANDARD_HEADERS, ...blobHeaders(digest) };
  sendBytes(visit, EMPTY_LAYER.bytes, { headers });
}

const blobHeaders = (digest: string) => ({
  "Content-Type": "application/octet-stream",
  "Docker-Content-Digest": digest,
  ETag: `"${digest}"`,
  "Accept-Ranges": "bytes",
  "Cache-Control": "private, max-age=31536000, immutable",
});

async function answerFor(
  { tools }: Registry,
  { exchange }: RepositoryVisit,
  of: { readonly place: Place; readonly digest: string; readonly blob: FoundBlob },
): Promise<Answer> {
  const { place, digest, blob } = of;
  const headers = { ...STANDARD_HEADERS, ...blobHeaders(digest) };
  const { artifact } = blob;
  if (!artifact) throw registryErrors.blobUnknown(digest);
  if (exchange.isHead) return headAnswer(headers, place, { digest, artifact });
  const stored = {
    ...{ kind: "stored" as const, artifact, contentArtifact: blob.contentArtifact },
    ...{ path: digest, at: null, headers },
  };
  return tools.sender.answer(stored, { domain: place.domain, method: "GET" });
}

/** Nothing has to be opened for it. */
const headAnswer = (
  headers: Readonly<Record<string, string>>,
  { domain }: Place,
  of: { readonly digest: string; readonly artifact: NonNullable<FoundBlob["artifact"]> },
): Answer => ({
  status: 200,
  headers: Object.entries(headers).flat(),
  validators: { etag: `"${of.digest}"` },
  hasRanges: true,
  sizeBytes: of.artifact.sizeBytes,
  body: { kind: "bytes", bytes: Buffer.alloc(0) },
  weight: 0,
  file: { domain: domain.num, sha256: of.artifact.sha256 },
});

/** The bytes are where a remote has them, and are kept while they pass. */
async function sendFromUpstream(
  registry: Registry,
  visit: RepositoryVisit,
  place: Place,
  blob: FoundBlob,
): Promise<void> {
  const { contentArtifact, digest } = blob;
  const headers = { ...STANDARD_HEADERS, ...blobHeaders(digest) };
  const file = { contentArtifact, path: digest, at: null, headers };
  const from = { domain: place.domain, method: "GET" } as const;
  const bytes = await registry.tools.sender.sendUpstream(visit.exchange, file, from);
  const of = { place, path: `blobs/${digest}`, contentArtifact, sizeBytes: null, bytes };
  counted(registry, visit, undefined, of);
}

/** Takes a blob out of the repository; its bytes may live on elsewhere. */
export async function deleteBlob(
  registry: Registry,
  visit: RepositoryVisit,
  { digest }: { readonly digest: string },
): Promise<void> {
  if (!parseDigest(digest)) throw registryErrors.blobByDigest();
  const place = await servedPlace(registry, visit);
  if (!(await removeBlob(registry, visit, { place, digest }))) {
    throw registryErrors.blobUnknown(digest);
  }
  await recordChange(registry, visit, { operation: "registry_blob_delete", status: 202, place });
  sendEmpty(visit, 202);
}

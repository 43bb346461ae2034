import { crashPoint } from "#base/crash-points.ts";
import type { Storage } from "#platform/storage/storage.ts";
import { receiveFile, saveArtifact, sweepObjects } from "../artifacts/commands.ts";
import type { ReceivedFile, SavedArtifact } from "../artifacts/types.ts";
import type { Ctx, DomainRef, Trx } from "../ctx.ts";
import { inTransaction } from "../transaction.ts";
import { uploadErrors } from "./errors.ts";
import { type StoredChunk, uploadById, uploadChunks } from "./queries.ts";
import { removeUpload } from "./remove.ts";
import { checkComplete, continuation } from "./rules.ts";

export interface TakeOptions {
  /** Lower-case hex; without it any bytes are right. */
  readonly sha256?: string;
  /** Refuses bytes that are stored already, as `commit` does. */
  readonly mustBeNew?: boolean;
  /** Runs in the transaction that removes the upload. */
  readonly finish?: (trx: Trx, artifact: SavedArtifact) => Promise<void>;
  readonly signal?: AbortSignal;
}

/**
 * Turns an upload into an artifact and removes it; after a failure it is as it was.
 *
 * @throws `notFound` (404), ValidationError for missing bytes, `checksum`, `exists` (400).
 */
export async function takeUpload(
  ctx: Ctx,
  domain: DomainRef,
  id: string,
  options: TakeOptions = {},
): Promise<SavedArtifact> {
  await using file = await assembleUpload(ctx, domain, id, options.signal);
  const { sha256 } = file.sealed.digests;
  if (options.sha256 !== undefined && options.sha256.toLowerCase() !== sha256)
    throw uploadErrors.checksum();
  const artifact = await saveArtifact(ctx, domain, file);
  if (options.mustBeNew && !artifact.isNew) throw uploadErrors.exists(sha256);
  crashPoint("upload.saved");
  const objects = await inTransaction(ctx, undefined, async (trx) => {
    await options.finish?.(trx, artifact);
    return removeUpload(trx, domain, id);
  });
  crashPoint("upload.removed");
  await sweepObjects(ctx, domain, objects);
  return artifact;
}

async function assembleUpload(
  ctx: Ctx,
  domain: DomainRef,
  id: string,
  signal: AbortSignal | undefined,
): Promise<ReceivedFile> {
  const { sizeBytes } = await uploadById(ctx.db, domain, id);
  const chunks = await uploadChunks(ctx.db, id);
  checkComplete(sizeBytes, chunks);
  return receiveFile(
    ctx,
    domain,
    concatenated(ctx.storage(domain), chunks),
    signal ? { signal } : {},
  );
}

/** Where chunks overlap the earlier one counts; the digest says whether they agree. */
async function* concatenated(
  storage: Storage,
  chunks: readonly StoredChunk[],
): AsyncGenerator<Buffer> {
  let next = 0;
  for (const chunk of chunks) {
    const part = continuation(chunk, next);
    if (!part) continue;
    await using stored = await storage.open(chunk.object);
    yield* stored.stream(part);
    next = chunk.start + part.end + 1;
  }
}

import { sql } from "kysely";
import { crashPoint } from "#base/crash-points.ts";
import { uuid7 } from "#base/uuid7.ts";
import {
  announceObjects,
  announceRemovals,
  inSameStore,
  sweepObjects,
} from "../artifacts/commands.ts";
import { chunkName } from "../artifacts/queries.ts";
import type { StorableFile } from "../artifacts/types.ts";
import type { Ctx, DomainRef, Trx } from "../ctx.ts";
import { inTransaction } from "../transaction.ts";
import { uploadErrors } from "./errors.ts";
import { uploadById, uploadChunks } from "./queries.ts";
import { lockUpload, removeUpload } from "./remove.ts";
import { checkChunk, checkChunkDigest, checkComplete, parseContentRange } from "./rules.ts";
import type { NewChunk, Upload } from "./types.ts";

export { takeUpload } from "./assemble.ts";
export { uploadErrors } from "./errors.ts";

/** @param sizeBytes of the whole file. */
export async function createUpload(
  ctx: Ctx,
  domain: DomainRef,
  { sizeBytes }: { readonly sizeBytes: number },
  trx?: Trx,
): Promise<Upload> {
  return (trx ?? ctx.db)
    .insertInto("upload")
    .values({ id: uuid7(), domain: domain.num, size: sizeBytes })
    .returning(["id", "size as sizeBytes", "created", "updated"])
    .executeTakeFirstOrThrow();
}

/**
 * Keeps one chunk; a chunk that began at the same offset gives way. Chunks come in any order and at
 * the same time.
 *
 * @param chunk received bytes; the caller disposes them.
 * @throws ValidationError (400) with the texts of core-rest §8.10, `notFound` (404). The upload is
 *   then as it was.
 */
export async function putChunk(
  ctx: Ctx,
  domain: DomainRef,
  chunk: NewChunk & { readonly file: StorableFile },
): Promise<Upload> {
  const { uploadId, file } = chunk;
  const range = parseContentRange(chunk.contentRange);
  const upload = await uploadById(ctx.db, domain, uploadId);
  checkChunk(range, file.sealed.sizeBytes, upload.sizeBytes);
  checkChunkDigest(chunk.sha256, file.sealed.digests.sha256);

  const own = { ...chunk, start: range.start };
  const replaced = await storeChunk(ctx, domain, own).catch((error) => {
    if (!uploadErrors.tooSlow.is(error)) throw error;
    return storeChunk(ctx, domain, { ...own, isAgain: true });
  });
  await sweepObjects(ctx, domain, replaced);
  return upload;
}

interface PlacedChunk {
  readonly uploadId: string;
  readonly file: StorableFile;
  readonly start: number;
  /** The store may be another one than is remembered. */
  readonly isAgain?: boolean;
}

/** @returns objects that nothing needs any more. */
async function storeChunk(
  ctx: Ctx,
  domain: DomainRef,
  { uploadId, file, start, isAgain = false }: PlacedChunk,
): Promise<readonly string[]> {
  const id = uuid7();
  const object = chunkName(ctx.settings.CHUNKED_UPLOAD_DIR, id);
  const store = ctx.storage(domain);
  await announceObjects(ctx.db, domain, [object]);
  const epoch = await store.epoch?.(isAgain);
  crashPoint("chunk.announced");
  await store.place(file.file, object);
  crashPoint("chunk.placed");
  const { sizeBytes, digests } = file.sealed;
  const row = { id, start, sizeBytes, sha256: digests.sha256, object, epoch };
  const replaced = await recordChunk(ctx, domain, uploadId, row);
  crashPoint("chunk.recorded");
  return replaced;
}

interface ChunkRow {
  readonly id: string;
  readonly start: number;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly object: string;
  /** Of the store in which it was placed. */
  readonly epoch: number | undefined;
}

/** @returns objects that nothing needs any more. */
function recordChunk(
  ctx: Ctx,
  domain: DomainRef,
  uploadId: string,
  row: ChunkRow,
): Promise<readonly string[]> {
  return inTransaction(ctx, undefined, async (trx) => {
    await lockUpload(trx, domain, uploadId);
    const sha256 = Buffer.from(row.sha256, "hex");
    const { rows } = await sql<{ object: string | null; held: number }>`
      with held as (
        delete from storage_intent
        where domain = ${domain.num} and object = ${row.object} and not_before > clock_timestamp()
          ${inSameStore(domain, row.epoch)}
        returning object
      ), old as (
        delete from upload_chunk where upload = ${uploadId} and start = ${row.start}
          and exists (select from held)
        returning file
      )
      select (select file from old) as object, (select count(*) from held) as held`.execute(trx);
    const [found] = rows;
    if (!found || found.held === 0) throw uploadErrors.tooSlow();
    await trx
      .insertInto("upload_chunk")
      .values({
        id: row.id,
        upload: uploadId,
        start: row.start,
        size: row.sizeBytes,
        sha256,
        file: row.object,
      })
      .execute();
    const gone = found.object === null ? [] : [found.object];
    await announceRemovals(trx, domain, gone);
    return gone;
  });
}

/** @throws ValidationError that names the missing bytes; `notFound` (404). */
export async function assertComplete(ctx: Ctx, domain: DomainRef, id: string): Promise<void> {
  const upload = await uploadById(ctx.db, domain, id);
  checkComplete(upload.sizeBytes, await uploadChunks(ctx.db, id));
}

/** Removes an upload with its chunks. @throws `notFound` (404). */
export async function deleteUpload(ctx: Ctx, domain: DomainRef, id: string): Promise<void> {
  const objects = await inTransaction(ctx, undefined, (trx) => removeUpload(trx, domain, id));
  crashPoint("upload.deleted");
  await sweepObjects(ctx, domain, objects);
}

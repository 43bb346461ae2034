import type { DomainRef, Executor } from "../ctx.ts";
import { uploadErrors } from "./errors.ts";
import type { Chunk, Upload } from "./types.ts";

export { missingRanges, parseContentRange } from "./rules.ts";

export interface StoredChunk extends Chunk {
  /** Name in the store of the domain. */
  readonly object: string;
}

/** @throws `uploadErrors.notFound` (404). */
export async function uploadById(db: Executor, domain: DomainRef, id: string): Promise<Upload> {
  const row = await db
    .selectFrom("upload")
    .select(["id", "size as sizeBytes", "created", "updated"])
    .where("domain", "=", domain.num)
    .where("id", "=", id)
    .executeTakeFirst();
  if (!row) throw uploadErrors.notFound();
  return row;
}

/** Chunks of an upload, by offset. */
export function uploadChunks(db: Executor, uploadId: string): Promise<StoredChunk[]> {
  return db
    .selectFrom("upload_chunk")
    .select(["start", "size as sizeBytes", "file as object"])
    .where("upload", "=", uploadId)
    .orderBy("start")
    .execute();
}

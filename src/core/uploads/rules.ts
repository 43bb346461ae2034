import { objectError, ValidationError } from "#base/errors.ts";
import type { ByteRange, Chunk } from "./types.ts";

const NO_RANGE = "Invalid or missing content range header.";

/**
 * Reads the `Content-Range` of one chunk.
 *
 * @param header `bytes <first>-<last>/<total or *>`: offsets from 0, both inclusive. The total is
 *   not looked at: the upload was made with its size.
 * @throws ValidationError if malformed.
 * @see core-rest §8.10
 */
export function parseContentRange(header: string | undefined): ByteRange {
  const [, first, last] = /^bytes (\d{1,15})-(\d{1,15})\/(?:\d{1,15}|\*)$/.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined) throw objectError(NO_RANGE);
  const range = { start: Number(first), end: Number(last) };
  if (range.end < range.start) throw objectError(NO_RANGE);
  return range;
}

/** @throws ValidationError when the chunk is not what its header says, or leaves the upload. */
export function checkChunk(range: ByteRange, chunkBytes: number, uploadBytes: number): void {
  if (range.end - range.start + 1 !== chunkBytes)
    throw objectError("Chunk size does not match content range.");
  if (range.end >= uploadBytes) throw objectError("End byte is greater than upload size.");
}

/** @throws ValidationError; its body is a bare list. */
export function checkChunkDigest(expected: string | undefined, actual: string): void {
  if (expected !== undefined && expected.toLowerCase() !== actual)
    throw new ValidationError(["Checksum does not match chunk upload."]);
}

/** Bytes that no chunk brings, in order. */
export function missingRanges(uploadBytes: number, chunks: readonly Chunk[]): ByteRange[] {
  const missing: ByteRange[] = [];
  let next = 0;
  for (const { start, sizeBytes } of chunks.toSorted((a, b) => a.start - b.start)) {
    if (start > next) missing.push({ start: next, end: start - 1 });
    next = Math.max(next, start + sizeBytes);
  }
  if (next < uploadBytes) missing.push({ start: next, end: uploadBytes - 1 });
  return missing;
}

const NAMED_RANGES = 10;

/** @throws ValidationError that names the missing bytes, the first ten ranges of them. */
export function checkComplete(uploadBytes: number, chunks: readonly Chunk[]): void {
  const missing = missingRanges(uploadBytes, chunks);
  if (missing.length === 0) return;
  const named = missing.slice(0, NAMED_RANGES).map(({ start, end }) => `${start}-${end}`);
  const rest = missing.length > NAMED_RANGES ? ` and ${missing.length - NAMED_RANGES} more` : "";
  throw objectError(`The upload is incomplete. Missing bytes: ${named.join(", ")}${rest}.`);
}

/** Which part of a chunk continues the file at `next`; undefined if it brings nothing new. */
export function continuation(chunk: Chunk, next: number): ByteRange | undefined {
  const start = Math.max(0, next - chunk.start);
  return start < chunk.sizeBytes ? { start, end: chunk.sizeBytes - 1 } : undefined;
}

/** Byte offsets, both inclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a `Range` header of one range of bytes.
 *
 * @param header `bytes=a-b`, `bytes=a-` or `bytes=-n`.
 * @param sizeBytes of the whole file; an end beyond it is clipped.
 * @returns undefined (416) if it is malformed, has several ranges, or begins at or after the end.
 * @see core-content §5.5
 */
export function parseRange(header: string, sizeBytes: number): ByteRange | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  if (first === "") return suffix(last, sizeBytes);
  const start = Number(first);
  const end = last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  return start < sizeBytes && start <= end ? { start, end } : undefined;
}

function suffix(length: string, sizeBytes: number): ByteRange | undefined {
  const wanted = length === "" ? 0 : Number(length);
  if (wanted === 0 || sizeBytes === 0) return undefined;
  return { start: Math.max(0, sizeBytes - wanted), end: sizeBytes - 1 };
}

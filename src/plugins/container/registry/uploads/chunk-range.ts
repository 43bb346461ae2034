import { registryErrors } from "../errors.ts";

/**
 * Reads the `Content-Range` of a chunk: `<start>-<end>`, decimal byte offsets from 0, both inclusive;
 * no unit, no total.
 *
 * @returns start and length in bytes; undefined if the header is absent.
 * @throws `range` (400)
 * @see OCI distribution-spec v1.1, "Pushing a blob in chunks"
 */
export function chunkRange(
  header: string | undefined,
): { readonly start: number; readonly length: number } | undefined {
  if (header === undefined) return undefined;
  const [, first, last] = /^(\d{1,15})-(\d{1,15})$/.exec(header) ?? [];
  const [start, end] = [Number(first), Number(last)];
  if (first === undefined || end < start) throw registryErrors.range();
  return { start, length: end - start + 1 };
}

import { Malformed } from "../malformed.ts";

/** Bytes that can be read from anywhere: a stored file, or a buffer. */
export interface ByteSource {
  readonly sizeBytes: number;
  /** Exactly `length` bytes from `start` on, which lie inside. */
  read(start: number, length: number): Promise<Buffer>;
}

export const bufferSource = (bytes: Buffer): ByteSource => ({
  sizeBytes: bytes.length,
  read: async (start, length) => bytes.subarray(start, start + length),
});

/**
 * Reads a part whose place an archive names.
 *
 * @param what begins the sentence of the error: `The central directory`.
 * @throws `Malformed` if the part does not lie inside.
 */
export async function bytesAt(
  source: ByteSource,
  part: { readonly start: number; readonly length: number },
  what: string,
): Promise<Buffer> {
  const { start, length } = part;
  if (start < 0 || start + length > source.sizeBytes)
    throw new Malformed(`${what} does not lie inside the file.`);
  const bytes = await source.read(start, length);
  if (bytes.length !== length) throw new Error(`The file gave ${bytes.length} of ${length} bytes.`);
  return bytes;
}

/** Holds the end record of a zip archive with any comment, and the whole of a small archive. */
const TAIL_BYTES = 96 * 1024;

/** The same source with its end in memory: a zip archive is read from there, in small parts. */
export async function withTail(source: ByteSource): Promise<ByteSource> {
  const length = Math.min(TAIL_BYTES, source.sizeBytes);
  const tailStart = source.sizeBytes - length;
  const tail = await bytesAt(source, { start: tailStart, length }, "The end");
  return {
    sizeBytes: source.sizeBytes,
    read: async (start, count) =>
      start >= tailStart
        ? tail.subarray(start - tailStart, start - tailStart + count)
        : await source.read(start, count),
  };
}

/** Bytes per read of a source that is read from its beginning to its end. */
const PIECE_BYTES = 256 * 1024;

/** All of it in pieces. */
export async function* piecesOf(source: ByteSource): AsyncGenerator<Buffer> {
  for (let start = 0; start < source.sizeBytes; start += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, source.sizeBytes - start);
    yield await bytesAt(source, { start, length }, "A piece");
  }
}

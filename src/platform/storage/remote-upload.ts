import { storageErrors } from "./errors.ts";
import type { WrittenFile } from "./storage.ts";

export interface PartsPlan {
  readonly sizeBytes: number;
  /** Bytes of a part; more where the file would have too many. */
  readonly partBytes: number;
  /** The store takes no more. */
  readonly mostParts: number;
  /** Parts that are sent at once, each in memory meanwhile. */
  readonly concurrency: number;
}

/**
 * Sends a sealed file part by part; after a failure no further part begins.
 *
 * @param send index from 0.
 * @returns what `send` returned, in the order of the parts.
 */
export async function inParts<Sent>(
  file: WrittenFile,
  { sizeBytes, partBytes: wanted, mostParts, concurrency }: PartsPlan,
  send: (bytes: Buffer, index: number) => Promise<Sent>,
): Promise<Sent[]> {
  const partBytes = Math.max(wanted, Math.ceil(sizeBytes / mostParts));
  const count = Math.ceil(sizeBytes / partBytes);
  const sent: Sent[] = [];
  let next = 0;
  const sendSome = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      const start = index * partBytes;
      const bytes = await exactly(file, start, Math.min(partBytes, sizeBytes - start));
      sent[index] = await send(bytes, index);
    }
  };
  const crews = Array.from({ length: Math.min(count, concurrency) }, () =>
    sendSome().catch((error) => {
      next = count;
      throw error;
    }),
  );
  const outcomes = await Promise.allSettled(crews);
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed) throw failed.reason;
  return sent;
}

const STEP_BYTES = 1024 * 1024;

/** The bytes of a sealed file, a piece at a time. */
export async function* inSteps(file: WrittenFile, sizeBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < sizeBytes; at += STEP_BYTES)
    yield await exactly(file, at, Math.min(STEP_BYTES, sizeBytes - at));
}

/** The incoming file may give less at a time. */
export async function exactly(file: WrittenFile, start: number, length: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let at = 0; at < length; ) {
    const piece = await file.read(start + at, length - at);
    if (piece.length === 0) throw storageErrors.unavailable("the incoming file is cut off");
    pieces.push(piece);
    at += piece.length;
  }
  return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
}

import type { Readable } from "node:stream";
import { pushes } from "#sdk";
import { registryErrors } from "../errors.ts";
import type { Target } from "../target.ts";

/** Why a body ended before its end: the client left. */
export class ClientLeft extends Error {}

/**
 * Reads a body piece by piece, waiting for each to be taken, whose the piece is then; the request
 * lives on for its answer.
 *
 * @returns bytes read.
 * @throws ClientLeft if the body is cut off; what `take` throws.
 */
export async function readBody(
  request: Readable,
  take: (bytes: Buffer) => Promise<void>,
): Promise<number> {
  const pieces = request.iterator({ destroyOnReturn: false });
  let received = 0;
  for (;;) {
    const { value, done } = await pieces.next().catch((error) => {
      throw new ClientLeft("The client left.", { cause: error });
    });
    if (done) return received;
    const bytes = value as Buffer;
    received += bytes.length;
    await take(bytes);
  }
}

type Terms = Target["terms"];

/**
 * Refuses a file that is larger than its repository takes.
 *
 * @throws `registryErrors.tooLarge` (413)
 */
export function checkSize(terms: Terms, sizeBytes: number): void {
  try {
    pushes.checkSize(terms, sizeBytes);
  } catch (error) {
    throw pushes.isTooLarge(error) ? registryErrors.tooLarge(error.message) : error;
  }
}

/** Length that a request announces; undefined for one in chunks. */
export function announcedLength(headers: {
  readonly "content-length"?: string | undefined;
  readonly "transfer-encoding"?: string | undefined;
}): number | undefined {
  if (headers["transfer-encoding"] !== undefined) return undefined;
  return Number(headers["content-length"] ?? 0);
}

import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { pushes } from "#sdk";
import { registryErrors } from "../errors.ts";
import type { Target } from "../target.ts";

/** Why a body ended before its end: the client left. */
export class ClientLeft extends Error {}

/**
 * Reads a body piece by piece, whose the piece is then, waiting where it has to; the request lives on
 * for its answer. By events, since most pieces are taken at once: a promise for each of them costs as
 * much as their bytes.
 *
 * @returns bytes read.
 * @throws ClientLeft if the body is cut off; what `take` throws.
 */
export function readBody(
  request: Readable,
  take: (bytes: Buffer) => Promise<void> | undefined,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let received = 0;
    let taking: Promise<void> | undefined;
    let isOver = false;
    const leave = () => {
      isOver = true;
      request.off("data", onData).off("end", onEnd).off("error", onLeft).off("close", onLeft);
      request.pause();
    };
    const fail = (error: unknown) => {
      leave();
      reject(error);
    };
    const onData = (bytes: Buffer) => {
      received += bytes.length;
      try {
        taking = take(bytes);
      } catch (error) {
        return fail(error);
      }
      if (!taking) return;
      request.pause();
      taking.then(() => isOver || request.resume(), fail);
    };
    // What has come is taken before anybody says how much it was; the end may come in a pause, too.
    const whenTaken = (then: () => void) => {
      if (taking) taking.then(then, fail);
      else then();
    };
    const onEnd = () =>
      whenTaken(() => {
        leave();
        resolve(received);
      });
    const onLeft = (cause?: unknown) =>
      whenTaken(() => fail(new ClientLeft("The client left.", { cause })));
    if (request.readableEnded) return resolve(0);
    if (request.destroyed) return onLeft(request.errored);
    request.on("data", onData).on("end", onEnd).on("error", onLeft).on("close", onLeft);
  });
}

/**
 * Reads a body of few bytes; more than is allowed is refused before it is read (CVE-2017-11468).
 *
 * @throws what `tooLarge` makes.
 */
export async function readSmall(
  request: IncomingMessage,
  limitBytes: number,
  tooLarge: () => Error,
): Promise<Buffer> {
  if ((announcedLength(request.headers) ?? 0) > limitBytes) throw tooLarge();
  const bytes: Buffer[] = [];
  let sizeBytes = 0;
  await readBody(request, (piece) => {
    sizeBytes += piece.length;
    if (sizeBytes > limitBytes) throw tooLarge();
    bytes.push(piece);
    return undefined;
  });
  return Buffer.concat(bytes);
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

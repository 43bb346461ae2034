import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Tells when the client has left. */
export interface ClientWatch extends Disposable {
  readonly isGone: boolean;
  readonly signal: AbortSignal;
}

export function watchClient(socket: Socket): ClientWatch {
  const controller = new AbortController();
  const onClose = () => controller.abort(new ClientGoneError());
  if (socket.destroyed) onClose();
  socket.once("close", onClose);
  return {
    get isGone() {
      return controller.signal.aborted;
    },
    signal: controller.signal,
    [Symbol.dispose]: () => void socket.off("close", onClose),
  };
}

export class ClientGoneError extends Error {
  constructor() {
    super("The client left before the end.");
    this.name = "ClientGoneError";
  }
}

/** Read at a time: much for clients that keep up, little for those that do not. */
const FIRST_STEP = 262_144;
const SMALLEST_STEP = 65_536;
const LARGEST_STEP = 1_048_576;
/** Pieces of memory that are kept for the next reader. */
const MOST_FREE = 16;
const FAST_MS = 20;
const SLOW_MS = 200;

export interface PourPlan {
  /** Resolves with at least one byte, or rejects; the memory may be used or not. */
  readonly read: (start: number, length: number, into?: Buffer) => Promise<Buffer>;
  /** First and last byte. */
  readonly start: number;
  readonly end: number;
  /** Writes the head, once the first bytes are there. */
  readonly begin: () => void;
}

/**
 * Sends bytes `start` to `end`. One piece is read while the one before is on its way, so a
 * connection holds two at most.
 */
export async function pour(
  response: ServerResponse,
  client: ClientWatch,
  { read, start, end, begin }: PourPlan,
): Promise<void> {
  let position = start;
  let step = FIRST_STEP;
  let sent: Promise<void> = Promise.resolve();
  if (end < start) begin();
  while (position <= end) {
    const memory = step > SMALLEST_STEP ? pieces.take() : undefined;
    const piece = await read(position, Math.min(step, end + 1 - position), memory);
    if (piece.length === 0) throw new Error(`The bytes end at ${position}, not at ${end + 1}.`);
    if (position === start) begin();
    const since = performance.now();
    await sent;
    if (client.isGone) return;
    step = nextStep(step, performance.now() - since);
    position += piece.length;
    sent = written(response, piece, client).then(() => {
      if (memory && !client.isGone) pieces.give(memory);
    });
  }
  await sent;
  if (!client.isGone) response.end();
}

/** Memory for pieces; made anew it costs as much as the copying. */
class Pieces {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(LARGEST_STEP);
  }

  /** Only when nobody reads from it any more. */
  give(memory: Buffer): void {
    if (this.#free.length < MOST_FREE) this.#free.push(memory);
  }
}

const pieces = new Pieces();

function nextStep(step: number, waitedMs: number): number {
  if (waitedMs > SLOW_MS) return SMALLEST_STEP;
  return waitedMs < FAST_MS ? Math.min(LARGEST_STEP, step * 2) : step;
}

/** Resolves when the piece has left for the client, or the client has left. */
export function written(
  response: ServerResponse,
  piece: Buffer,
  client: ClientWatch,
): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      client.signal.removeEventListener("abort", done);
      resolve();
    };
    client.signal.addEventListener("abort", done, { once: true });
    response.write(piece, done);
  });
}

import { Worker } from "node:worker_threads";

/** PBKDF2 with SHA-256. */
export interface SlowHashRequest {
  readonly password: string;
  readonly salt: string;
  readonly iterations: number;
  /** Length of the key. */
  readonly bytes: number;
}

export type SlowHashAnswer = { readonly key: Uint8Array } | { readonly failure: string };

interface Waiting extends PromiseWithResolvers<Buffer> {
  readonly request: SlowHashRequest;
}

/** More would wait for longer than any client does. */
const MOST_WAITING = 100;

let thread: Worker | undefined;
const waiting: Waiting[] = [];

/** Whoever would have to wait should rather come back. */
export const isHashingBusy = (): boolean => waiting.length >= MOST_WAITING;

/**
 * Derives a key in a thread of low priority, one at a time: a flood of wrong passwords takes
 * neither the thread pool nor more than what others leave of one processor.
 */
export function slowHash(request: SlowHashRequest): Promise<Buffer> {
  const entry = { request, ...Promise.withResolvers<Buffer>() };
  waiting.push(entry);
  if (waiting.length === 1) sendNext();
  return entry.promise;
}

function sendNext(): void {
  const [next] = waiting;
  if (!next) {
    // An idle thread does not keep the process alive.
    thread?.unref();
    return;
  }
  thread ??= startThread();
  thread.ref();
  thread.postMessage(next.request);
}

function startThread(): Worker {
  const worker = new Worker(new URL("./slow-hash-thread.ts", import.meta.url));
  worker.on("message", (answer: SlowHashAnswer) => {
    const done = waiting.shift();
    if ("key" in answer) done?.resolve(Buffer.from(answer.key));
    else done?.reject(new Error(answer.failure));
    sendNext();
  });
  worker.on("error", (error) => {
    thread = undefined;
    for (const { reject } of waiting.splice(0)) reject(error);
  });
  return worker;
}

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Algorithm, Digests } from "#base/digests.ts";
import { storageErrors } from "./errors.ts";

export type HashRequest =
  | {
      readonly kind: "begin";
      readonly id: number;
      readonly fd: number;
      readonly algorithms: readonly Algorithm[];
    }
  | { readonly kind: "grow" | "end"; readonly id: number; readonly sizeBytes: number }
  | { readonly kind: "drop"; readonly id: number };

interface HashAnswer {
  readonly id: number;
  readonly digests?: Digests;
  readonly failure?: string;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, PromiseWithResolvers<Digests>>;
  files: number;
}

/** The digests of one file that grows; ended or dropped exactly once, before its file is closed. */
export interface FileHashing {
  /** Tells how many bytes can be read back by now. */
  grow(sizeBytes: number): void;
  end(sizeBytes: number): Promise<Digests>;
  drop(): Promise<void>;
}

const MAX_THREADS = 2;
let lastId = 0;

/**
 * Digests beside the main stream's, in threads that read the file back from the page cache: no
 * bytes travel between threads and nothing is held in memory (performance §7, "one hash in line").
 */
export class HashPool {
  readonly #threads: Thread[] = [];

  begin(fd: number, algorithms: readonly Algorithm[]): FileHashing {
    const thread = this.#leastBusy();
    lastId += 1;
    const id = lastId;
    const send = (request: HashRequest) => thread.worker.postMessage(request);
    thread.files += 1;
    send({ kind: "begin", id, fd, algorithms });
    return {
      grow: (sizeBytes) => send({ kind: "grow", id, sizeBytes }),
      end: (sizeBytes) => this.#ask(thread, { kind: "end", id, sizeBytes }),
      drop: async () => void (await this.#ask(thread, { kind: "drop", id })),
    };
  }

  #ask(thread: Thread, request: HashRequest): Promise<Digests> {
    if (!this.#threads.includes(thread)) return Promise.reject(threadEnded());
    const answer = Promise.withResolvers<Digests>();
    thread.waiting.set(request.id, answer);
    // Threads do not keep the process alive, answers do.
    thread.worker.ref();
    thread.worker.postMessage(request);
    return answer.promise;
  }

  #leastBusy(): Thread {
    const limit = Math.max(1, Math.min(MAX_THREADS, availableParallelism() - 1));
    const [best] = this.#threads.toSorted((a, b) => a.files - b.files);
    if (best && (best.files === 0 || this.#threads.length >= limit)) return best;
    return this.#start();
  }

  #start(): Thread {
    const worker = new Worker(new URL("./hash-thread.ts", import.meta.url), { execArgv: [] });
    const thread: Thread = { worker, waiting: new Map(), files: 0 };
    this.#threads.push(thread);
    worker.unref();
    worker.on("message", (answer: HashAnswer) => settle(thread, answer));
    worker.on("error", () => this.#lose(thread));
    worker.on("exit", () => this.#lose(thread));
    return thread;
  }

  /** Its files fail; the next file starts another thread. */
  #lose(thread: Thread): void {
    const at = this.#threads.indexOf(thread);
    if (at >= 0) this.#threads.splice(at, 1);
    for (const answer of thread.waiting.values()) answer.reject(threadEnded());
    thread.waiting.clear();
  }
}

const threadEnded = () => storageErrors.unavailable("the hashing thread ended");

function settle(thread: Thread, { id, digests, failure }: HashAnswer): void {
  const answer = thread.waiting.get(id);
  thread.waiting.delete(id);
  thread.files -= 1;
  if (thread.waiting.size === 0) thread.worker.unref();
  if (digests) answer?.resolve(digests);
  else answer?.reject(storageErrors.unavailable(`reading back: ${failure}`));
}

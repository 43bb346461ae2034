import { createHash, type Hash } from "node:crypto";
import { readSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import type { HashRequest } from "./hash-pool.ts";

/** Bytes read at a time, from the page cache, since they were just written. */
const STEP_BYTES = 1024 * 1024;

interface Work {
  readonly fd: number;
  readonly hashes: readonly (readonly [string, Hash])[];
  done: number;
  failure?: string;
}

const works = new Map<number, Work>();
const buffer = Buffer.allocUnsafeSlow(STEP_BYTES);

parentPort?.on("message", (request: HashRequest) => {
  switch (request.kind) {
    case "begin":
      works.set(request.id, {
        fd: request.fd,
        hashes: request.algorithms.map((name) => [name, createHash(name)] as const),
        done: 0,
      });
      return;
    case "grow":
      advance(request.id, request.sizeBytes);
      return;
    case "end":
      parentPort?.postMessage(finish(request.id, request.sizeBytes));
      return;
    case "drop":
      works.delete(request.id);
      parentPort?.postMessage({ id: request.id, digests: {} });
  }
});

function advance(id: number, sizeBytes: number): void {
  const work = works.get(id);
  if (!work || work.failure !== undefined) return;
  try {
    while (work.done < sizeBytes) step(work, sizeBytes);
  } catch (error) {
    work.failure = error instanceof Error ? error.message : String(error);
  }
}

function step(work: Work, sizeBytes: number): void {
  const wanted = Math.min(STEP_BYTES, sizeBytes - work.done);
  const length = readSync(work.fd, buffer, 0, wanted, work.done);
  if (length === 0) throw new Error("the file ends too early");
  for (const [, hash] of work.hashes) hash.update(buffer.subarray(0, length));
  work.done += length;
}

function finish(id: number, sizeBytes: number): object {
  advance(id, sizeBytes);
  const work = works.get(id);
  works.delete(id);
  if (!work || work.failure !== undefined) return { id, failure: work?.failure ?? "no such file" };
  return { id, digests: Object.fromEntries(work.hashes.map(([n, h]) => [n, h.digest("hex")])) };
}

import { setTimeout as sleep } from "node:timers/promises";
import { commandLine, peakBytes, processTree } from "./process-tree.ts";

/** Watches for processes that appear below the given ones, and how large they grow. */
export interface MemoryWatch extends AsyncDisposable {
  /** Largest resident set of any process that is not the database, in bytes. */
  stop(): Promise<number>;
}

/**
 * Looks every 50 ms. A process that lived before the watch counts only by what it grows to: the
 * kernel keeps its peak, so that nothing between two looks is missed.
 */
export function watchMemory(pids: readonly number[]): MemoryWatch {
  const [top = 0] = pids;
  const ending = new AbortController();
  const watching = watch(top, ending.signal);
  const stop = () => {
    ending.abort();
    return watching;
  };
  return {
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

async function watch(top: number, signal: AbortSignal): Promise<number> {
  let peak = 0;
  while (!signal.aborted) {
    for (const pid of await processTree(top)) {
      if (await isOurs(pid)) peak = Math.max(peak, await peakBytes(pid));
    }
    await sleep(50, undefined, { signal }).catch(() => undefined);
  }
  return peak;
}

/** The programs under the pinned runtime; npm and the database are others. */
async function isOurs(pid: number): Promise<boolean> {
  const line = await commandLine(pid);
  return /node/.test(line) && !/npm|bootstrap\.mjs|postgres/.test(line);
}

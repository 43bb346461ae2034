import { setTimeout as sleep } from "node:timers/promises";
import { commandLine, peakBytes, processTree } from "./process-tree.ts";

/** Watches how large the processes of one program grow below a command. */
export interface MemoryWatch extends AsyncDisposable {
  /** Largest resident set of any of them, in bytes. */
  stop(): Promise<number>;
}

/**
 * Looks every 50 ms; the kernel keeps each peak, so that only what ends between two looks is missed.
 *
 * @param pids tree of the command, itself first
 * @param program part of their command line, e.g. `task-child`
 */
export function watchMemory(pids: readonly number[], program: string): MemoryWatch {
  const [top = 0] = pids;
  const ending = new AbortController();
  const watching = watch({ top, program, signal: ending.signal });
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

interface Watch {
  readonly top: number;
  readonly program: string;
  readonly signal: AbortSignal;
}

async function watch({ top, program, signal }: Watch): Promise<number> {
  let peak = 0;
  while (!signal.aborted) {
    for (const pid of await processTree(top)) {
      const isWatched = (await commandLine(pid)).includes(program);
      if (isWatched) peak = Math.max(peak, await peakBytes(pid));
    }
    await sleep(50, undefined, { signal }).catch(() => undefined);
  }
  return peak;
}

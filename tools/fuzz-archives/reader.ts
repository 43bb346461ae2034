/**
 * The child of tools/fuzz-archives.ts: reads changed distributions until it is told to stop.
 *
 *   node reader.ts SEED FIRST
 *
 * Says by IPC which case it begins, and how one ended.
 */
import { bufferSource } from "#plugins/python/format/archive/byte-source.ts";
import { readDistribution } from "#plugins/python/format/archive/read-distribution.ts";
import { Malformed } from "#plugins/python/format/malformed.ts";
import { createRandom } from "../chaos/random.ts";
import { mutated } from "./mutate.ts";

/** What the child says after each case, and before it begins the next one. */
export interface Report {
  readonly next: number;
  readonly outcome?: "read" | "refused" | "failed";
  /** Text of the refusal or stack of the failure. */
  readonly text?: string;
  /** Most memory so far. */
  readonly peakBytes: number;
}

const SEEDS = 1_000_003;

async function outcomeOf(seed: number, index: number): Promise<Pick<Report, "outcome" | "text">> {
  const { filename, bytes } = mutated(createRandom(seed * SEEDS + index));
  try {
    await readDistribution(bufferSource(bytes), filename);
    return { outcome: "read" };
  } catch (error) {
    if (error instanceof Malformed) return { outcome: "refused", text: error.message };
    const text = error instanceof Error ? error.stack : String(error);
    return { outcome: "failed", text: `${filename}: ${text}` };
  }
}

const report = (said: Omit<Report, "peakBytes">): Promise<void> =>
  new Promise((resolve) => {
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    const message: Report = { ...said, peakBytes };
    process.send?.(message, undefined, undefined, () => resolve());
  });

async function main(): Promise<void> {
  const [seed = 1, first = 0] = process.argv.slice(2).map(Number);
  await report({ next: first });
  for (let index = first; process.connected; index += 1)
    await report({ next: index + 1, ...(await outcomeOf(seed, index)) });
}

await main();

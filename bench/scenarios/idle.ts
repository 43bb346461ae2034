import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { commandLine, pssBytes } from "../../test/support/process-tree.ts";
import { startServer } from "../../test/support/server.ts";
import type { Bench, Scenario } from "../scenario.ts";
import { median } from "../statistics.ts";

/** P25: memory of all processes at rest, and the time until the first answer. */
export const scenario: Scenario = { title: "idle memory and start time", run };

/** Long enough for pools to let go of what the start needed. */
const SETTLE_MS = 75_000;
const RESTARTS = 4;

async function run(bench: Bench): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "deckle-idle-"));
  bench.stack.defer(() => rm(home, { recursive: true, force: true }));
  {
    await using first = await startServer({ home });
    bench.record({ name: "first start", value: first.startMs, unit: "ms" });
  }
  const times: number[] = [];
  for (let n = 0; n < RESTARTS; n += 1) {
    await using again = await startServer({ home });
    times.push(again.startMs);
  }
  bench.record({ name: "second start, median", value: median(times), unit: "ms", bound: 3000 });
  bench.record({ name: "second start, slowest", value: Math.max(...times), unit: "ms" });
  await using server = await startServer({ home });
  await sleep(SETTLE_MS);
  const sizes = await Promise.all((await server.pids()).map(sizeOf));
  for (const { command, mb } of sizes) bench.say(`  ${mb.toFixed(1)} MB  ${program(command)}`);
  const total = (parts: readonly Size[]) => parts.reduce((sum, { mb }) => sum + mb, 0);
  const database = sizes.filter(({ command }) => /postgres/.test(command));
  bench.record({ name: "idle PSS, everything", value: total(sizes), unit: "MB", bound: 350 });
  bench.record({
    name: "idle PSS without PostgreSQL",
    value: total(sizes) - total(database),
    ...{ unit: "MB", bound: 0.3 * 698, source: "P25: 0.3 of the peer's 698 MiB" },
  });
}

/** What a process is, without the folders of this machine. */
const program = (command: string): string => command.replaceAll(/\S*\//g, "").slice(0, 60);

interface Size {
  readonly command: string;
  readonly mb: number;
}

const sizeOf = async (pid: number): Promise<Size> => ({
  command: await commandLine(pid),
  mb: (await pssBytes(pid)) / 1e6,
});

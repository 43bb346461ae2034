/**
 * Measures scenarios in interleaved pairs and writes `bench/results/`.
 *
 *   npm run bench -- [--pairs 7] [--seconds 3] [--name run] [--hold-memory GiB] [scenario …]
 *
 * Scenarios are the files of `bench/scenarios/`; all without a name. Ends with 1 if a goal fails.
 */
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { processTree } from "../test/support/process-tree.ts";
import { startServer } from "../test/support/server.ts";
import { calibrate } from "./calibrate.ts";
import { type Comparison, compare } from "./compare.ts";
import { startDatabase } from "./database.ts";
import { holdMemory } from "./held-memory.ts";
import { describe, writeReport } from "./report.ts";
import type { Bench, Figure, Scenario } from "./scenario.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pairs: { type: "string", default: "7" },
    seconds: { type: "string", default: "3" },
    name: { type: "string", default: "run" },
    "hold-memory": { type: "string", default: "0" },
  },
});
const folder = join(import.meta.dirname, "scenarios");
const known = (await readdir(folder)).map((file) => basename(file, ".ts")).sort();
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) throw new Error(`no scenario ${unknown.join()}; there are ${known.join()}`);

const settings = {
  ...{ pairs: Number(values.pairs), seconds: Number(values.seconds), warmUpSeconds: 1 },
  heldGiB: Number(values["hold-memory"]),
};
const comparisons: Comparison[] = [];
const figures: Figure[] = [];
const say = (text: string) => console.log(text);

await using _held = await holdMemory(settings.heldGiB);
say("calibrating");
const calibrators = await calibrate();
say(JSON.stringify(calibrators));
for (const name of positionals.length > 0 ? positionals : known) {
  const { scenario }: { scenario: Scenario } = await import(join(folder, `${name}.ts`));
  say(`${name}: ${scenario.title}`);
  await runScenario(scenario);
}
const report = { name: values.name, settings, calibrators, comparisons, figures };
say(`written: ${await writeReport(report)}`);
process.exitCode = describe(report).some((line) => line.startsWith("FAIL")) ? 1 : 0;

async function runScenario(scenario: Scenario): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await startDatabase());
  const env = { PULP_LOG_LEVEL: "warn", DATABASE_URL: database.url, ...scenario.env };
  const server = stack.use(await startServer({ env }));
  const bench: Bench = {
    ...{ server, stack, say, pairs: settings.pairs, seconds: settings.seconds },
    databaseUrl: database.url,
    databasePid: database.pid,
    pids: async () => [...(await server.pids()), ...(await processTree(database.pid))],
    pair: async (pairing) => {
      const comparison = await compare(pairing, settings);
      comparisons.push(comparison);
      tell({ comparisons: [comparison], figures: [] });
    },
    record: (figure) => {
      figures.push(figure);
      tell({ comparisons: [], figures: [figure] });
    },
  };
  await scenario.run(bench);
}

function tell(part: { comparisons: Comparison[]; figures: Figure[] }): void {
  for (const line of describe({ name: "", settings, calibrators, ...part })) say(`  ${line}`);
}

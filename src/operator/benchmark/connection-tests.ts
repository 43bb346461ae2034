import { setTimeout as sleep } from "node:timers/promises";
import { tableLines } from "#app/commands/told.ts";
import { appErrors } from "#app/errors.ts";
import { integerFlag } from "#app/flags.ts";
import type { JsonObject } from "#base/json.ts";
import { isObject } from "../client/server-client.ts";
import type { Bench, BenchmarkCommand } from "./command.ts";

const FINAL = new Set(["completed", "failed", "canceled", "skipped"]);

export const rdsConnectionTests: BenchmarkCommand = {
  name: "rds_connection_tests",
  usage: "[-t NAME]… [-d MINUTES] [--poll-interval SECONDS] [--run-sequentially] [--no-monitor]",
  summary: "Finds out which uses of a connection a proxy before the database drops.",
  options: {
    tests: { type: "string", short: "t", multiple: true },
    duration: { type: "string", short: "d" },
    "poll-interval": { type: "string" },
    "run-sequentially": { type: "boolean" },
    monitor: { type: "boolean" },
  },
  async run(bench) {
    const { flags, terminal } = bench;
    const started = await start(bench);
    for (const { test_name: name, task_id: id } of started) terminal.print(`${name}: task ${id}`);
    if (flags.on.monitor === false) return 0;
    const everyMs = 1000 * (integerFlag("poll-interval", flags.text["poll-interval"]) ?? 30);
    return monitor(bench, started, Math.max(everyMs, 1000));
  },
};

/** @throws `operatorErrors.answer` with what the server has against it */
async function start({ client, apiPath, flags }: Bench): Promise<readonly JsonObject[]> {
  const address = `${apiPath}/pulp/rds-connection-tests/`;
  const minutes = integerFlag("duration", flags.text.duration) ?? 50;
  const given = (flags.list.tests ?? []).flatMap((names) => names.split(","));
  const tests = given.length > 0 ? given : await availableTests(client, address);
  const answer = await client.object(address, {
    method: "POST",
    json: {
      ...{ tests, duration_minutes: minutes },
      run_sequentially: flags.on["run-sequentially"] === true,
    },
  });
  return Array.isArray(answer.tasks) ? answer.tasks.filter(isObject) : [];
}

async function availableTests(
  client: Bench["client"],
  address: string,
): Promise<readonly string[]> {
  const { available_tests: names } = await client.object(address);
  if (Array.isArray(names)) return names.map(String);
  throw appErrors.usage("The server names no tests; give -t NAME.");
}

/** Asks until every test is over; 1 if one did not pass. */
async function monitor(
  { client, apiPath, terminal }: Bench,
  started: readonly JsonObject[],
  everyMs: number,
): Promise<number> {
  const rows: (readonly string[])[] = [];
  let isGood = true;
  for (const { test_name: name, task_href: href } of started) {
    const task = await finalOf(() => client.object(`${apiPath}${href}`), {
      everyMs,
      signal: client.signal,
    });
    const result = isObject(task.result) ? task.result : {};
    const { connection_pinned: pinned } = result;
    isGood &&= task.state === "completed" && result.success !== false;
    rows.push([
      ...[String(name), String(task.state), String(result.status ?? "-")],
      pinned === undefined ? "" : `pinned: ${pinned}`,
    ]);
    terminal.note(`${name}: ${result.status ?? task.state}`);
  }
  for (const line of tableLines([["test", "task", "result", ""], ...rows])) terminal.print(line);
  return isGood ? 0 : 1;
}

async function finalOf(
  read: () => Promise<JsonObject>,
  { everyMs, signal }: { readonly everyMs: number; readonly signal: AbortSignal },
): Promise<JsonObject> {
  for (;;) {
    const task = await read();
    if (FINAL.has(String(task.state))) return task;
    await sleep(everyMs, undefined, { signal });
  }
}

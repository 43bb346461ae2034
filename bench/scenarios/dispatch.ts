import { createServer } from "node:net";
import type { TestContext } from "node:test";
import { Type } from "@sinclair/typebox";
import pg from "pg";
import { defineTask } from "#core/plugin-contract.ts";
import { dispatch as dispatchTask } from "#core/tasks/commands.ts";
import { type Api, createApi } from "../../test/support/api.ts";
import { createContext } from "../../test/support/context.ts";
import { processTree } from "../../test/support/process-tree.ts";
import { loop, wrk } from "../load.ts";
import type { Bench, Goal, Scenario, Side } from "../scenario.ts";

/** P18: tasks accepted by 8 clients while every slot is busy, against one raw inserted row. */
export const scenario: Scenario = { title: "task ingestion, unique and shared names", run };

const CLIENTS = 8;

async function run(bench: Bench): Promise<void> {
  const api = createApi(bench.server);
  await occupySlots(bench, api);
  const repositories: string[] = [];
  for (let n = 0; n < 500; n += 1) {
    const { pulp_href } = await api.post("repositories/file/file/", { name: `d${n}` });
    repositories.push(`${pulp_href}modify/`);
  }
  const theirs = await rawInserts(bench);
  const accepted: Goal = { measure: "cpuMs", bound: 1.5, source: "H11: a task accepted" };
  const raw: Goal = { measure: "rate", bound: 0.5, source: "P18: a raw one-row insert" };
  const dispatch = await commands(bench);
  for (const [names, count] of [
    ["unique names", 500],
    ["3 shared names", 3],
  ] as const) {
    const command = dispatch(count);
    await bench.pair({ name: `dispatch, ${names}`, ours: command, theirs, goals: [raw] });
    const overHttp = dispatching(bench, repositories.slice(0, count));
    await bench.pair({ name: `POST, ${names}`, ours: overHttp, theirs, goals: [accepted] });
  }
}

/** The command of the core, called by 8 clients in this process, on the same server. */
async function commands(bench: Bench): Promise<(names: number) => Side> {
  process.env.DECKLE_TEST_PG = new URL(bench.databaseUrl).href.replace(/\/[^/]*$/, "");
  const test = { after: (release: () => Promise<void>) => bench.stack.defer(release) };
  const task = defineTask({
    name: "bench.no_op",
    label: "test",
    input: Type.Object({}),
    run: () => Promise.resolve(null),
  });
  const { ctx, caller } = await createContext(test as TestContext, { tasks: [task] });
  let turn = 0;
  return (names) => ({
    name: "deckle, the command",
    pids: () => processTree(bench.databasePid),
    load: (seconds) =>
      loop(
        async () => {
          turn += 1;
          const exclusive = [`bench:${turn % names}`];
          await dispatchTask(ctx, { task, input: {}, caller, exclusive });
        },
        seconds,
        CLIENTS,
      ),
  });
}

/** Syncs from an upstream that never answers hold the slots, so that only acceptance is measured. */
async function occupySlots(bench: Bench, api: Api): Promise<void> {
  const silent = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => silent.once("listening", resolve));
  bench.stack.defer(() => void silent.close());
  const { port } = silent.address() as { port: number };
  const url = `http://127.0.0.1:${port}/PULP_MANIFEST`;
  const remote = await api.post("remotes/file/file/", { name: "silent", url });
  for (const name of ["busy-1", "busy-2", "busy-3", "busy-4"]) {
    const repository = await api.post("repositories/file/file/", { name });
    await api.post(`${repository.pulp_href}sync/`, { remote: remote.pulp_href });
  }
}

function dispatching(bench: Bench, paths: readonly string[]): Side {
  const { apiUrl, username, password } = bench.server;
  const headers = {
    Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`,
    "Content-Type": "application/json",
  };
  const load = { url: apiUrl, paths, method: "POST", headers, body: "{}", connections: CLIENTS };
  return {
    name: "deckle, over HTTP",
    pids: () => bench.pids(),
    load: (seconds) => wrk(load, seconds),
  };
}

async function rawInserts(bench: Bench): Promise<Side> {
  const pool = new pg.Pool({ connectionString: bench.databaseUrl, max: CLIENTS });
  bench.stack.defer(() => pool.end());
  await pool.query(
    "create table raw_row (id uuid primary key default gen_random_uuid(), body text)",
  );
  const insert = { name: "raw", text: "insert into raw_row (body) values ($1)", values: ["{}"] };
  return {
    name: "one row by a prepared insert",
    pids: () => processTree(bench.databasePid),
    load: (seconds) => loop(() => pool.query(insert).then(() => undefined), seconds, CLIENTS),
  };
}

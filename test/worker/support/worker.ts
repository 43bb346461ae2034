import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { TaskDefinition } from "#core/plugin-contract.ts";
import { dispatch } from "#core/tasks/commands.ts";
import { isFinal } from "#core/tasks/rules.ts";
import type { DispatchRequest } from "#core/tasks/types.ts";
import type { Settings } from "#platform/config/settings.ts";
import { startWorker, type Worker, type WorkerOptions } from "#worker/supervisor.ts";
import { createContext, type TestContextValue } from "../../support/context.ts";
import { workerTasks } from "./tasks.ts";

export const entryFile = fileURLToPath(new URL("./child-entry.ts", import.meta.url));

/** Quick heartbeats, so that tests of lost workers are short. */
export const quick: Partial<Settings> = {
  WORKER_TTL: 2,
  TASK_KILL_INTERVAL: 1,
  ORPHAN_PROTECTION_TIME: 0,
};

export interface WorkerWorld extends TestContextValue {
  readonly worker: Worker;
  /** Another worker of the same context, after the first has ended. */
  restart(options: Partial<WorkerOptions>): Worker;
  /** The context that the worker has, and its log. */
  readonly workerSide: TestContextValue;
  /** Queues a task and returns its id. */
  send(task: TaskDefinition, input?: object, names?: Partial<DispatchRequest>): Promise<string>;
  /** Waits until the task is final. */
  ended(id: string, limitMs?: number): ReturnType<typeof readTask>;
  /** Waits until the text is in the journal. */
  written(text: string): Promise<void>;
  readonly journalFile: string;
}

export const entryOf = (
  { url, mediaRoot, domain, caller }: TestContextValue,
  settings: Partial<Settings>,
): WorkerOptions["childEntry"] => ({
  file: entryFile,
  args: [JSON.stringify({ url, mediaRoot, domain, caller }), JSON.stringify(settings)],
});

/** An API process and a worker beside it. */
export async function createWorkerWorld(
  t: TestContext,
  options: Partial<WorkerOptions> & { readonly settings?: Partial<Settings> } = {},
): Promise<WorkerWorld> {
  const settings = { ...quick, ...options.settings };
  const workers: Worker[] = [];
  // First, since the database goes with the next one.
  t.after(() => Promise.all(workers.map((worker) => worker.stop("abort"))));
  const api = await createContext(t, { tasks: workerTasks, settings });
  const workerSide = await createContext(t, {
    beside: api,
    tasks: workerTasks,
    settings,
    kind: "worker",
  });
  const childEntry = entryOf(api, settings);
  const start = (more: Partial<WorkerOptions>): Worker => {
    const worker = startWorker(workerSide.ctx, { childEntry, slots: 2, ...options, ...more });
    workers.push(worker);
    return worker;
  };
  const worker = start({});
  const journalFile = join(api.mediaRoot, "journal.txt");
  return {
    ...api,
    worker,
    restart: start,
    workerSide,
    journalFile,
    async send(task, input = {}, names = {}) {
      const request = { task, input, caller: api.caller, immediate: false, ...names };
      return (await dispatch(api.ctx, request)).id;
    },
    ended: (id, limitMs = 15_000) => untilEnded(api, id, limitMs),
    written: (text) => untilWritten(journalFile, text),
  };
}

const readTask = ({ ctx }: TestContextValue, id: string) =>
  ctx.db.selectFrom("task").selectAll().where("id", "=", id).executeTakeFirstOrThrow();

async function untilEnded(world: TestContextValue, id: string, limitMs: number) {
  const limit = performance.now() + limitMs;
  for (;;) {
    const row = await readTask(world, id);
    if (isFinal(row.state)) return row;
    assert.ok(performance.now() < limit, `task ${row.name} is still ${row.state}`);
    await sleep(20);
  }
}

/** Waits until something is so, for a bounded time. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const limit = performance.now() + 15_000;
  while (!(await isSo())) {
    assert.ok(performance.now() < limit, `${what} never happened`);
    await sleep(20);
  }
}

const untilWritten = (file: string, text: string): Promise<void> =>
  until(
    async () => (await readFile(file, "utf8").catch(() => "")).includes(text),
    `writing "${text}"`,
  );

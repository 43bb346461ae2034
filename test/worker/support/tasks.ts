import { appendFile, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type TSchema, Type } from "@sinclair/typebox";
import type { Job, TaskDefinition } from "#core/plugin-contract.ts";
import { defineTask } from "#core/plugin-contract.ts";
import { dispatch } from "#core/tasks/commands.ts";

const any = Type.Object({}, { additionalProperties: true });

const bodyTask = (
  name: string,
  run: (job: Job, input: Readonly<Record<string, unknown>>) => Promise<unknown>,
  options: Partial<TaskDefinition<TSchema>> = {},
): TaskDefinition =>
  defineTask({
    name: `test.${name}`,
    label: "test",
    input: any,
    // Some bodies return on purpose what no task may return.
    run: (job, input) => run(job, input as Readonly<Record<string, unknown>>) as Promise<null>,
    ...options,
  });

export const echo = bodyTask("echo", async (_job, input) => input, { immediate: true });

export const pidOf = bodyTask("pid", async () => ({ pid: process.pid, cwd: process.cwd() }));

/** Writes its name and times into a file; leaves early when it is aborted. */
export const journal = bodyTask("journal", async ({ signal }, { file, name, ms }) => {
  await appendFile(String(file), `start ${name}\n`);
  await sleep(Number(ms), undefined, { signal }).catch(async (error) => {
    await appendFile(String(file), `abort ${name}\n`);
    throw error;
  });
  await appendFile(String(file), `end ${name}\n`);
  return null;
});

/** Swallows its abort and goes on for ever. */
export const gooey = bodyTask("gooey", async () => {
  for (;;) await sleep(50);
});

/** Never lets go of the event loop. */
export const spinning = bodyTask("spinning", async (_job, { file }) => {
  await writeFile(String(file), "spinning");
  for (;;);
});

export const killed = bodyTask("killed", async () => {
  process.kill(process.pid, "SIGKILL");
  await sleep(10_000);
  return null;
});

export const exiting = bodyTask("exiting", async (_job, { code }) => process.exit(Number(code)));

export const greedy = bodyTask("greedy", async () => {
  const kept: unknown[] = [];
  for (;;) kept.push(Array.from({ length: 100_000 }, (_, i) => ({ i })));
});

/** Dispatches a task of its own. */
export const parent = bodyTask("parent", async ({ ctx, caller }) => {
  const { id } = await dispatch(ctx, { task: echo, input: { from: "parent" }, caller });
  return id;
});

export const failing = bodyTask("failing", async () => {
  throw new Error("This task fails.");
});

export const workerTasks: readonly TaskDefinition[] = [
  failing,
  echo,
  pidOf,
  journal,
  gooey,
  spinning,
  killed,
  exiting,
  greedy,
  parent,
];

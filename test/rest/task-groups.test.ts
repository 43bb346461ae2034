import assert from "node:assert/strict";
import { test } from "node:test";
import { createTaskGroup, dispatch } from "#core/tasks/commands.ts";
import { purgeTasks } from "#core/tasks/purge.ts";
import type { TaskState } from "#core/tasks/table.ts";
import { createTestApi, ROOT, type TestApi } from "../support/rest-api.ts";
import { addTask } from "../support/rest-rows.ts";

async function groupOf(api: TestApi, states: readonly TaskState[]): Promise<string> {
  const id = await createTaskGroup(api.ctx, { domain: api.domain, description: "many" });
  for (const state of states) await addTask(api, { state, task_group: id });
  return id;
}

test("a group counts its tasks by state and shows them in short", async (t) => {
  const api = await createTestApi(t);
  const id = await groupOf(api, ["completed", "completed", "failed", "running"]);
  await api.ctx.db
    .insertInto("group_progress")
    .values({ task_group: id, code: "c", message: "m", total: 4, done: 2 })
    .execute();

  const { body } = await api.get(`task-groups/${id}/`);

  const { tasks, ...rest } = body;
  assert.deepEqual(rest, {
    pulp_href: `${ROOT}task-groups/${id}/`,
    prn: `prn:core.taskgroup:${id}`,
    description: "many",
    all_tasks_dispatched: false,
    waiting: 0,
    skipped: 0,
    running: 1,
    completed: 2,
    canceled: 0,
    failed: 1,
    canceling: 0,
    group_progress_reports: [{ message: "m", code: "c", total: 4, done: 2, suffix: null }],
  });
  assert.equal(tasks.length, 4);
  const alone = (await api.get(`${tasks[0].pulp_href}?minimal=true`)).body;
  assert.deepEqual(tasks[0], alone);
});

test("lists and reads cost one statement however large groups are", async (t) => {
  const api = await createTestApi(t);
  const ids: string[] = [];
  for (let n = 0; n < 5; n += 1) ids.push(await groupOf(api, ["completed", "failed", "waiting"]));

  assert.equal((await api.statementsOf(() => api.get("task-groups/"))).length, 1 + 1);
  assert.equal((await api.statementsOf(() => api.get("task-groups/"))).length, 1);
  await api.get(`task-groups/${ids[0]}/`);
  assert.equal((await api.statementsOf(() => api.get(`task-groups/${ids[1]}/`))).length, 1);
  const { body } = await api.get("task-groups/?anything=goes");
  assert.equal(body.count, 5);
  assert.equal(body.results[0].pulp_href, `${ROOT}task-groups/${ids[4]}/`);
});

test("a group is canceled with every member that has not ended", async (t) => {
  const api = await createTestApi(t);
  const id = await groupOf(api, ["completed"]);
  for (let n = 0; n < 2; n += 1) {
    await dispatch(api.ctx, { task: purgeTasks, input: {}, caller: api.caller, group: id });
  }

  const wrong = await api.request("PATCH", `task-groups/${id}/`, { json: { state: "x" } });
  assert.equal(wrong.status, 400);
  const { status, body } = await api.request("PATCH", `task-groups/${id}/`, {
    json: { state: "canceled" },
  });

  assert.equal(status, 200);
  assert.equal(body.canceled, 2);
  assert.equal(body.completed, 1);
  assert.equal(body.waiting, 0);
});

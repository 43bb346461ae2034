import assert from "node:assert/strict";
import { test } from "node:test";
import { prn } from "#base/prn.ts";
import { uuid7 } from "#base/uuid7.ts";
import { openArguments } from "#core/tasks/arguments.ts";
import { createTestApi, formOf, ROOT, type TestApi } from "../support/rest-api.ts";
import { addDomain, addTask } from "../support/rest-rows.ts";

const hrefOf = (id: string) => `${ROOT}tasks/${id}/`;

const idsOf = async (api: TestApi, query: string): Promise<string[]> => {
  const { status, body } = await api.get(`tasks/?${query}`);
  assert.equal(status, 200, `${query}: ${JSON.stringify(body)}`);
  return body.results.map(({ pulp_href }: { pulp_href: string }) => pulp_href.split("/").at(-2));
};

test("a task shows everything about itself", async (t) => {
  const api = await createTestApi(t);
  const { db } = api.ctx;
  const group = uuid7();
  await db.insertInto("task_group").values({ id: group, domain: api.domain.num }).execute();
  const parent = await addTask(api);
  const id = await addTask(api, {
    name: "test.big",
    cid: "c1",
    resources: ["a", "shared:b"],
    parent,
    task_group: group,
    user_id: 1,
  });
  const child = await addTask(api, { parent: id });
  const progress = { task: id, message: "m", state: "completed" as const };
  await db
    .insertInto("task_progress")
    .values([
      { ...progress, code: "z", done: 3, position: 0, total: 3, suffix: "s" },
      { ...progress, code: "a", done: 1, position: 1, total: null, suffix: null },
    ])
    .execute();
  await db
    .insertInto("created_resource")
    .values([
      { task: id, position: 0, model: "core.Artifact", object: parent, path: "artifacts/x/" },
      {
        task: id,
        position: 1,
        model: "core.RepositoryVersion",
        object: child,
        path: "repositories/file/file/x/versions/1/",
      },
    ])
    .execute();

  const { status, body } = await api.get(hrefOf(id));

  assert.equal(status, 200);
  const { pulp_created, pulp_last_updated, ...rest } = body;
  assert.match(pulp_created, /Z$/);
  assert.match(pulp_last_updated, /Z$/);
  assert.deepEqual(rest, {
    pulp_href: hrefOf(id),
    prn: `prn:core.task:${id}`,
    state: "completed",
    name: "test.big",
    logging_cid: "c1",
    created_by: `${ROOT}users/1/`,
    unblocked_at: null,
    started_at: null,
    finished_at: null,
    error: null,
    worker: null,
    parent_task: hrefOf(parent),
    child_tasks: [hrefOf(child)],
    task_group: `${ROOT}task-groups/${group}/`,
    progress_reports: [
      { message: "m", code: "z", state: "completed", total: 3, done: 3, suffix: "s" },
      { message: "m", code: "a", state: "completed", total: null, done: 1, suffix: null },
    ],
    created_resources: [`${ROOT}artifacts/x/`, "<unavailable>"],
    created_resource_prns: [`prn:core.artifact:${parent}`, `prn:core.repositoryversion:${child}`],
    reserved_resources_record: ["a", "shared:b"],
    result: null,
    pulp_api_version: "v3",
  });
});

test("the short form has eleven keys, alone and in a list", async (t) => {
  const api = await createTestApi(t);
  const id = await addTask(api);
  const keys = [
    ...["pulp_href", "prn", "pulp_created", "pulp_last_updated", "state", "name"],
    ...["unblocked_at", "started_at", "finished_at", "worker", "pulp_api_version"],
  ].toSorted();

  for (const word of ["true", "TRUE"]) {
    const one = (await api.get(`${hrefOf(id)}?minimal=${word}`)).body;
    assert.deepEqual(Object.keys(one).toSorted(), keys);
    const page = (await api.get(`tasks/?minimal=${word}`)).body;
    assert.deepEqual(Object.keys(page.results[0]).toSorted(), keys);
  }
  assert.equal("result" in (await api.get(`${hrefOf(id)}?minimal=yes`)).body, true);
  const some = (await api.get(`${hrefOf(id)}?minimal=true&fields=name,result`)).body;
  assert.deepEqual(some, { name: "test.task" });
});

test("plain filters", async (t) => {
  const api = await createTestApi(t);
  const a = await addTask(api, { name: "a.b", state: "waiting", cid: "one" });
  const b = await addTask(api, { name: "a.c", state: "failed", cid: "two" });
  const c = await addTask(api, {
    name: "d",
    state: "completed",
    finished_at: "2026-01-02T03:04:05.000006Z",
  });

  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["state=waiting", [a]],
    ["state__in=waiting,failed", [b, a]],
    ["state__ne=failed", [c, a]],
    ["name=a.b", [a]],
    ["name__contains=a.", [b, a]],
    ["name__in=a.b,d", [c, a]],
    ["name__ne=d", [b, a]],
    ["logging_cid=two", [b]],
    ["logging_cid__contains=o", [b, a]],
    ["finished_at__isnull=true", [b, a]],
    ["finished_at__isnull=False", [c]],
    ["finished_at__gte=2026-01-02", [c]],
    ["finished_at=2026-01-02T03:04:05.000006Z", [c]],
    ["finished_at__lt=2026-01-02T03:04:05", []],
    ["finished_at__range=2026-01-01,2026-01-03", [c]],
    ["unblocked_at__isnull=true", [c, b, a]],
    ["unblocked_at__gte=2026-01-02", []],
    ["worker=anything", []],
    ["pulp_created__gt=2020-01-01T00:00:00%2B00:00", [c, b, a]],
    [`pulp_href__in=${hrefOf(a)},${hrefOf(c)}`, [c, a]],
    [`prn__in=${prn("core.Task", b)}`, [b]],
    [`pulp_id__in=${b},${c}`, [c, b]],
  ];
  for (const [query, ids] of cases) assert.deepEqual(await idsOf(api, query), ids, query);

  const bad: readonly (readonly [string, object])[] = [
    ["state=x", { state: ["Select a valid choice. x is not one of the available choices."] }],
    ["finished_at__range=2026-01-01", { finished_at__range: ["Range query expects two values."] }],
    ["finished_at=soon", { finished_at: ["Enter a valid date/time."] }],
    ["finished_at=0000-01-01", { finished_at: ["Enter a valid date/time."] }],
    ["name__regex=x", { errors: ["Invalid Filter: 'name__regex'"] }],
  ];
  for (const [query, detail] of bad) {
    const answer = await api.get(`tasks/?${query}`);
    assert.equal(answer.status, 400, query);
    assert.deepEqual(answer.body, detail, query);
  }
});

test("filters by relatives", async (t) => {
  const api = await createTestApi(t);
  const group = uuid7();
  await api.ctx.db.insertInto("task_group").values({ id: group, domain: api.domain.num }).execute();
  const parent = await addTask(api, { task_group: group });
  const child = await addTask(api, { parent });

  assert.deepEqual(await idsOf(api, `parent_task=${hrefOf(parent)}`), [child]);
  assert.deepEqual(await idsOf(api, `parent_task=prn:core.task:${parent}`), [child]);
  assert.deepEqual(await idsOf(api, "parent_task=null"), [parent]);
  assert.deepEqual(await idsOf(api, "parent_task="), [parent]);
  assert.deepEqual(await idsOf(api, `child_tasks=${hrefOf(child)}`), [parent]);
  assert.deepEqual(await idsOf(api, "child_tasks=null"), [child]);
  assert.deepEqual(await idsOf(api, `task_group=${ROOT}task-groups/${group}/`), [parent]);

  const errors = [
    ["parent_task=x", "URI couldn't be resolved: x"],
    ["parent_task=prn:core.task:1", "UUID invalid: 1"],
    [
      `parent_task=${ROOT}users/1/`,
      `URI/PRN is not a valid href for parent_task model: ${ROOT}users/1/`,
    ],
  ] as const;
  for (const [query, text] of errors) {
    const { status, body } = await api.get(`tasks/?${query}`);
    assert.equal(status, 400);
    assert.deepEqual(body, [text]);
  }
});

test("filters by resources translate hrefs and old names", async (t) => {
  const api = await createTestApi(t);
  const repository = (await api.post("repositories/file/file/", { name: "r" })).body;
  const topic = `pdrn:${api.domain.id}:orphans`;
  const version = (await api.get(repository.latest_version_href)).body;
  const a = await addTask(api, { resources: [repository.prn, "shared:x"] });
  const b = await addTask(api, { resources: [topic, `shared:${repository.prn}`] });
  const c = await addTask(api, { resources: [version.prn] });

  const cases: readonly (readonly [string, readonly string[]])[] = [
    [`reserved_resources=${repository.pulp_href}`, [b, a]],
    [`reserved_resources=${repository.prn}`, [b, a]],
    [`exclusive_resources=${repository.pulp_href}`, [a]],
    [`shared_resources=${repository.pulp_href}`, [b]],
    [`reserved_resources__in=${repository.pulp_href},x`, [a]],
    [`reserved_resources__in=${repository.pulp_href},${topic}`, [b]],
    [`exclusive_resources__in=${topic}`, [b]],
    [`shared_resources__in=${repository.prn},x`, []],
    ["exclusive_resources=/api/v3/orphans/cleanup/", [b]],
    [`exclusive_resources=${topic}`, [b]],
    ["exclusive_resources=/api/v3/repair/", []],
    [`exclusive_resources=${repository.latest_version_href}`, [c]],
  ];
  for (const [query, ids] of cases) assert.deepEqual(await idsOf(api, query), ids, query);

  const wrong = await api.get("tasks/?reserved_resources=/nowhere/");
  assert.equal(wrong.status, 400);
  assert.deepEqual(wrong.body, ["URI not valid: /nowhere/"]);
});

test("a task is found by what it created", async (t) => {
  const api = await createTestApi(t);
  const form = formOf({}, [{ name: "file", bytes: "one" }]);
  const artifact = (await api.request("POST", "artifacts/", form)).body;
  const repository = (await api.post("repositories/file/file/", { name: "r" })).body;
  const version = (await api.get(repository.latest_version_href)).body;
  const id = await addTask(api);
  await addTask(api);
  const created = { task: id, path: "x/" };
  await api.ctx.db
    .insertInto("created_resource")
    .values([
      { ...created, position: 0, model: "core.Artifact", object: artifact.prn.split(":")[2] },
      {
        ...created,
        position: 1,
        model: "core.RepositoryVersion",
        object: version.prn.split(":")[2],
      },
    ])
    .execute();

  for (const value of [
    ...[artifact.pulp_href, artifact.prn, version.pulp_href, version.prn],
    `https://elsewhere.example${artifact.pulp_href}`,
  ]) {
    assert.deepEqual(await idsOf(api, `created_resources=${value}`), [id], value);
  }
  assert.deepEqual(await idsOf(api, `created_resources=${repository.pulp_href}`), []);

  const missing = `${ROOT}artifacts/${uuid7()}/`;
  assert.deepEqual((await api.get(`tasks/?created_resources=${missing}`)).body, [
    `URI ${missing} not found for Artifact.`,
  ]);
  assert.deepEqual((await api.get("tasks/?created_resources=x")).body, ["URI not valid: x"]);
});

test("a waiting task is canceled once, a final one is a conflict", async (t) => {
  const api = await createTestApi(t);
  const href = (await api.post("tasks/purge/", {})).body.task;
  const cancel = (state: unknown) => api.request("PATCH", href, { json: { state, other: 1 } });

  for (const state of ["running", "completed", "", 5]) {
    assert.equal((await cancel(state)).status, 400, String(state));
  }
  assert.deepEqual((await cancel("running")).body, {
    state: ["The only acceptable value for 'state' is 'canceled'."],
  });
  assert.deepEqual((await api.request("PATCH", href, { json: {} })).body, {
    state: ["This field is required."],
  });

  const first = await cancel("canceled");
  assert.equal(first.status, 200);
  assert.equal(first.body.state, "canceled");
  assert.equal(first.body.created_by, null);
  assert.equal((await api.get(href)).body.created_by, `${ROOT}users/1/`);
  assert.equal((await cancel("canceled")).status, 200);

  const done = await addTask(api, { state: "completed" });
  const conflict = await api.request("PATCH", hrefOf(done), { json: { state: "canceled" } });
  assert.equal(conflict.status, 409);
  assert.equal(conflict.body.state, "completed");
  assert.equal(conflict.body.pulp_href, hrefOf(done));
});

test("only final tasks are deleted, with what hangs on them", async (t) => {
  const api = await createTestApi(t);
  const waiting = (await api.post("tasks/purge/", {})).body.task;
  const done = await addTask(api);
  await api.post(`${hrefOf(done)}add_role/`, { role: "core.task_viewer", users: ["admin"] });

  const conflict = await api.request("DELETE", waiting);
  assert.equal(conflict.status, 409);

  assert.equal((await api.request("DELETE", hrefOf(done))).status, 204);
  assert.equal((await api.request("DELETE", hrefOf(done))).status, 404);
  const left = await api.ctx.db.selectFrom("role_assignment").selectAll().execute();
  assert.deepEqual(left, []);
});

test("tasks of another domain do not exist", async (t) => {
  const api = await createTestApi(t);
  const foreign = await addTask(api, { domain: await addDomain(api), state: "waiting" });

  assert.equal((await api.get("tasks/")).body.count, 0);
  for (const method of ["GET", "PATCH", "DELETE"]) {
    const answer = await api.request(method, hrefOf(foreign), { json: { state: "canceled" } });
    assert.equal(answer.status, 404, method);
    assert.deepEqual(answer.body, { detail: "No Task matches the given query." });
  }
});

test("a purge defaults to what ended thirty days before the request", async (t) => {
  const api = await createTestApi(t);
  Object.assign(api.ctx, { clock: { now: () => Date.parse("2026-08-12T09:30:00Z") } });

  const { status, body } = await api.post("tasks/purge/", {});
  assert.equal(status, 202);
  assert.deepEqual(Object.keys(body), ["task"]);
  const row = await api.ctx.db.selectFrom("task").select("arguments").executeTakeFirstOrThrow();
  assert.deepEqual(openArguments(api.ctx, row).input, {
    finished_before: "2026-07-13T00:00:00Z",
    states: ["completed"],
  });

  for (const before of ["soon", "2026-02-30T00:00:00Z", 5]) {
    const answer = await api.post("tasks/purge/", { finished_before: before });
    assert.equal(answer.status, 400, String(before));
  }
  const given = await api.post("tasks/purge/", { finished_before: "2026-08-12T10:00" });
  assert.equal(given.status, 202);
});

test("profile artifacts have addresses", async (t) => {
  const api = await createTestApi(t);
  const form = formOf({}, [{ name: "file", bytes: "profile" }]);
  const artifact = (await api.request("POST", "artifacts/", form)).body;
  const id = await addTask(api);
  assert.deepEqual((await api.get(`${hrefOf(id)}profile_artifacts/`)).body, { urls: {} });
  await api.ctx.db
    .insertInto("profile_artifact")
    .values({
      task: id,
      name: "memory_profile",
      domain: api.domain.num,
      artifact: artifact.prn.split(":")[2],
    })
    .execute();

  const { status, body } = await api.get(`${hrefOf(id)}profile_artifacts/`);

  assert.equal(status, 200);
  assert.deepEqual(body, {
    urls: { memory_profile: `http://deckle.example${artifact.pulp_href}` },
  });
});

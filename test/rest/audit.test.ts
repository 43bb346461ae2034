import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { removeExpiredEntries } from "#core/audit/commands.ts";
import { builtinSchedules } from "#core/schedules/rules.ts";
import { deleteTask } from "#core/tasks/commands.ts";
import type { Settings } from "#platform/config/settings.ts";
import { createJob } from "../support/job.ts";
import {
  ADMIN_PASSWORD,
  createTestApi,
  formOf,
  ROOT,
  type TestAnswer,
  type TestApi,
} from "../support/rest-api.ts";
import { runTasks } from "../support/run-tasks.ts";

type Entry = TestAnswer["body"];

const entriesOf = async (api: TestApi, query = ""): Promise<readonly Entry[]> => {
  const { status, body, text } = await api.get(`audit/?ordering=timestamp&${query}`);
  assert.equal(status, 200, text);
  return body.results;
};

const CID = "0123456789abcdef0123456789abcdef";
const signal = new AbortController().signal;

test("a change made at once leaves one entry that says who did what to which object", async (t) => {
  const api = await createTestApi(t);

  const made = await api.request("POST", "users/", {
    json: { username: "eve" },
    headers: { "correlation-id": CID },
    remoteAddress: "10.1.2.3",
  });
  assert.equal(made.status, 201);
  assert.equal(
    (await api.request("PATCH", "users/2/", { json: { email: "e@x.org" } })).status,
    200,
  );
  assert.equal((await api.request("DELETE", "users/2/")).status, 204);

  const [create, update, remove, ...others] = await entriesOf(api);
  assert.deepEqual(others, []);
  const { pulp_href, prn, timestamp, ...rest } = create;
  assert.match(pulp_href, /^\/pulp\/api\/v3\/audit\/[-0-9a-f]{36}\/$/);
  assert.equal(prn, `prn:core.auditentry:${pulp_href.split("/").at(-2)}`);
  assert.match(timestamp, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(rest, {
    user: `${ROOT}users/1/`,
    username: "admin",
    authenticated_by: "basic",
    operation: "users_create",
    method: "POST",
    object: `${ROOT}users/2/`,
    object_prn: "prn:auth.user:2",
    domain: "default",
    logging_cid: CID,
    client: "10.1.2.3",
    outcome: "done",
    status: 201,
    task: null,
    task_state: null,
    task_group: null,
  });
  assert.deepEqual(
    [update, remove].map(({ operation, object_prn, status }) => [operation, object_prn, status]),
    [
      ["users_partial_update", "prn:auth.user:2", 200],
      ["users_delete", "prn:auth.user:2", 204],
    ],
  );
  assert.deepEqual((await api.get(pulp_href)).body, create);
});

test("a dispatched task is named, and how it ended stays known when the task is gone", async (t) => {
  const api = await createTestApi(t);
  const repository = (await api.post("repositories/file/file/", { name: "r" })).body;

  const { body } = await api.post(`${repository.pulp_href}modify/`, {});
  const id = body.task.split("/").at(-2);
  const find = async () => (await entriesOf(api, `task=${body.task}`))[0];

  const waiting = await find();
  assert.equal(waiting.outcome, "dispatched");
  assert.equal(waiting.status, 202);
  assert.equal(waiting.task, body.task);
  assert.equal(waiting.task_state, "waiting");
  assert.equal(waiting.operation, "repositories_file_file_modify");
  assert.equal(waiting.object, repository.pulp_href);
  assert.equal(waiting.object_prn, repository.prn);

  await api.request("PATCH", body.task, { json: { state: "canceled" } });
  assert.equal((await find()).task_state, "canceled");
  assert.equal(await deleteTask(api.ctx, id), "deleted");
  assert.equal((await find()).task_state, "canceled");
});

test("what a task makes is what the request was about, and stays so when the task is gone", async (t) => {
  const api = await createTestApi(t);
  const repository = (await api.post("repositories/file/file/", { name: "r" })).body;
  const { body } = await api.post("publications/file/file/", { repository: repository.pulp_href });
  const find = async (query = `task=${body.task}`) =>
    (await entriesOf(api, query)).map(({ object, object_prn }) => [object, object_prn]);
  assert.deepEqual(await find(), [[`${ROOT}publications/file/file/`, null]], "not yet");

  await runTasks(api);
  const [made = ""] = (await api.get(body.task)).body.created_resources;
  const prn = `prn:file.filepublication:${made.split("/").at(-2)}`;
  const known = [[made, prn]];
  const queries = [`task=${body.task}`, `object=${made}`, `object=${prn}`];
  for (const query of queries) assert.deepEqual(await find(query), known, query);
  assert.equal(await deleteTask(api.ctx, body.task.split("/").at(-2)), "deleted");
  for (const query of queries) assert.deepEqual(await find(query), known, query);
  assert.deepEqual(await find(`object=${repository.latest_version_href}`), []);

  const upload = formOf({ relative_path: "a", repository: repository.pulp_href }, [
    { name: "file", bytes: "a" },
  ]);
  const taken = (await api.request("POST", "content/file/files/", upload)).body;
  await runTasks(api);
  const unit = (await api.get("content/file/files/")).body.results[0].pulp_href;
  assert.equal((await find(`task=${taken.task}`))[0]?.[0], unit, "and not the version beside it");
  await assert.rejects(sql`delete from audit_task_object`.execute(api.ctx.db), /append-only/);
});

test("a version is named by its own PRN", async (t) => {
  const api = await createTestApi(t);
  const repository = (await api.post("repositories/file/file/", { name: "r" })).body;
  const version = (await api.get(repository.latest_version_href)).body;

  assert.equal((await api.post(`${version.pulp_href}repair/`, {})).status, 202);

  const [entry] = await entriesOf(api, "operation__contains=repair");
  assert.equal(entry.object, version.pulp_href);
  assert.equal(entry.object_prn, version.prn);
  assert.equal((await entriesOf(api, `object=${version.pulp_href}`)).length, 1);
});

test("refusals of known users are recorded; strangers, mistakes and reads are not", async (t) => {
  const api = await createTestApi(t);
  await api.post("users/", { username: "eve", password: "a good long password" });
  const user = "eve:a good long password";

  assert.equal((await api.request("POST", "users/", { user, json: {} })).status, 403);
  assert.equal((await api.request("DELETE", "users/1/", { user })).status, 403);
  assert.equal((await api.request("POST", "users/", { user: null, json: {} })).status, 401);
  assert.equal((await api.request("POST", "users/", { user: "eve:no", json: {} })).status, 401);
  assert.equal((await api.post("users/", {})).status, 400);
  assert.equal((await api.request("DELETE", "users/77/")).status, 404);
  assert.equal((await api.request("PUT", "status/", { json: {} })).status, 405);
  assert.equal((await api.get("users/")).status, 200);

  const found = await entriesOf(api, "username=eve");
  assert.deepEqual(
    found.map(({ operation, outcome, status, object }) => [operation, outcome, status, object]),
    [
      ["users_create", "denied", 403, `${ROOT}users/`],
      ["users_delete", "denied", 403, `${ROOT}users/1/`],
    ],
  );
  assert.equal((await entriesOf(api)).length, 3);
});

test("what cannot be recorded is not acknowledged, and stands in the log", async (t) => {
  const api = await createTestApi(t);
  await sql`alter table audit_entry add constraint full_disk check (status <> 201)`.execute(
    api.ctx.db,
  );

  const { status, headers, body } = await api.post("users/", { username: "eve" });

  assert.equal(status, 503);
  assert.match(body.detail, /carried out, but could not be recorded/);
  assert.equal(headers.location, undefined);
  assert.equal((await api.get("users/?username=eve")).body.count, 1);
  const [line = ""] = api.logged.filter((text) => text.includes("not recorded"));
  assert.match(line, /"username":"admin".*"operation":"users_create"/);
  assert.equal((await api.request("DELETE", "users/2/")).status, 204, "others go on");
});

test("an entry costs one statement; those that come at once share one, and reads cost none", async (t) => {
  const api = await createTestApi(t);
  const inserts = (texts: readonly string[]) =>
    texts.filter((text) => /^\s*insert into audit_entry/i.test(text)).length;
  await api.post("users/", { username: "warm" });

  const one = await api.statementsOf(() => api.post("users/", { username: "one" }));
  assert.equal(inserts(one), 1);

  const bodies = Array.from({ length: 24 }, (_, n) => ({ email: `e${n}@x.org` }));
  const many = await api.statementsOf(() =>
    Promise.all(bodies.map((json) => api.request("PATCH", "users/2/", { json }))),
  );
  assert.ok(inserts(many) < bodies.length, `${inserts(many)} statements`);
  assert.equal((await entriesOf(api, "operation=users_partial_update")).length, bodies.length);
  assert.equal(inserts(await api.statementsOf(() => api.get("users/"))), 0);
});

test("with the setting off nothing is recorded", async (t) => {
  const api = await createTestApi(t, { settings: { AUDIT_ENABLED: false } });
  await api.post("users/", { username: "eve" });
  assert.deepEqual(await entriesOf(api), []);
});

test("the database refuses to change or remove entries, but for those that are too old", async (t) => {
  const api = await createTestApi(t);
  const { db } = api.ctx;
  await api.post("users/", { username: "eve" });
  await api.post("users/", { username: "eva" });

  for (const text of [
    "update audit_entry set username = 'nobody'",
    "delete from audit_entry",
    "truncate audit_entry",
    "truncate audit_task_end",
  ]) {
    await assert.rejects(sql.raw(text).execute(db), /append-only/, text);
  }
  assert.equal((await entriesOf(api)).length, 2);

  await sql`
    insert into audit_entry (id, created, operation, method, object_path, cid, client, outcome, status)
    values (gen_random_uuid(), now() - interval '31 days', 'old', 'POST', 'x/', '', '', 'done', 201)`.execute(
    db,
  );
  assert.equal(await removeExpiredEntries(api.ctx, { days: 30, signal }), 1);
  assert.equal((await entriesOf(api)).length, 2);
  await assert.rejects(sql`delete from audit_entry`.execute(db), /append-only/);
});

test("with a retention a daily task removes what is too old", async (t) => {
  const api = await createTestApi(t, { settings: { AUDIT_RETENTION_DAYS: 30 } });
  await fill(api, 3);
  await api.post("users/", { username: "eve" });
  const name = "deckle.core.audit.clean_up";
  const minutes = (settings: Settings) =>
    builtinSchedules(settings).find(({ taskName }) => taskName === name)?.minutes;

  assert.equal(minutes(api.ctx.settings), 1440);
  assert.equal(minutes({ ...api.ctx.settings, AUDIT_RETENTION_DAYS: 0 }), 0);
  await api.ctx.plugins.task(name)?.run(createJob(api), {});

  const left = await entriesOf(api);
  assert.deepEqual(
    left.map(({ operation }) => operation),
    ["users_create"],
  );
});

test("only administrators read the trail, and nobody writes it", async (t) => {
  const api = await createTestApi(t);
  await api.post("users/", { username: "eve", password: "a good long password" });
  const user = "eve:a good long password";
  const [{ pulp_href }] = await entriesOf(api);

  for (const path of ["audit/", pulp_href, "audit/export/"]) {
    assert.equal((await api.get(path, { user })).status, 403, path);
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const { status } = await api.request(method, path, { json: {} });
      assert.equal(status, 405, `${method} ${path}`);
    }
  }
});

test("filters find entries by user, operation, object, domain, request, outcome and time", async (t) => {
  const api = await createTestApi(t);
  const { body: eve } = await api.post("users/", { username: "eve" });
  const { body: repository } = await api.post("repositories/file/file/", { name: "r" });
  await api.request("DELETE", eve.pulp_href);
  const all = await entriesOf(api);
  assert.equal(all.length, 3);
  const [first, second] = all;

  const counts: Readonly<Record<string, number>> = {
    "username=admin": 3,
    "username__in=eve,mallory": 0,
    [`user=${ROOT}users/1/`]: 3,
    [`user=${eve.prn}`]: 0,
    "operation=users_delete": 1,
    "operation__startswith=users_": 2,
    [`object=${eve.pulp_href}`]: 2,
    [`object=${repository.prn}`]: 1,
    "domain=default": 3,
    "domain=other": 0,
    [`logging_cid=${second.logging_cid}`]: 1,
    "outcome=denied": 0,
    "outcome__in=done,dispatched": 3,
    "status__gte=202": 1,
    [`timestamp__gte=${second.timestamp}`]: 2,
    [`timestamp__lt=${second.timestamp}`]: 1,
    [`timestamp__range=${first.timestamp},${second.timestamp}`]: 2,
    "q=operation=users_create OR operation=users_delete": 2,
  };
  for (const [query, count] of Object.entries(counts)) {
    const { body, text } = await api.get(`audit/?${encodeURI(query)}`);
    assert.equal(body.count, count, `${query}: ${text}`);
    const lines = (await api.get(`audit/export/?${encodeURI(query)}`)).text.split("\n");
    assert.equal(lines.length - 1, count, `export ${query}`);
  }
  for (const query of ["object=x", "user=/pulp/api/v3/status/", "outcome=good", "nonsense=1"]) {
    assert.equal((await api.get(`audit/?${query}`)).status, 400, query);
    assert.equal((await api.get(`audit/export/?${query}`)).status, 400, query);
  }
  assert.equal((await api.get(`audit/export/?user=${ROOT}users/99999999999/`)).status, 400);
});

test("texts that PostgreSQL cannot hold do not stop the trail", async (t) => {
  const api = await createTestApi(t);
  await api.post("users/", { username: "eve", password: "a good long password" });
  const user = "eve:a good long password";
  const keys = ["%00", "%ED%A0%80", "x".repeat(2000), "%22%5C%27"];
  for (const key of keys) {
    const { status } = await api.request("DELETE", `users/${key}/`, { user });
    assert.ok([400, 403].includes(status), `${key}: ${status}`);
  }
  const denied = await entriesOf(api, "outcome=denied");
  assert.ok(denied.length >= 3, String(denied.length));
  assert.ok(denied.every(({ object }) => !object.includes("\0")));
});

/** Old entries beyond what one slice of the export holds. */
const fill = (api: TestApi, count: number) =>
  sql`
  insert into audit_entry (id, created, domain, operation, method, object_path, cid, client, outcome, status)
  select gen_random_uuid(), '2020-01-01'::timestamptz + (n / 7) * interval '1 second', 'default',
    'filled', 'POST', 'users/' || n || '/', 'c', '::1', 'done', 201
  from generate_series(1, ${count}) n`.execute(api.ctx.db);

test("the export has every entry once, in order, as the list shows it", async (t) => {
  const api = await createTestApi(t);
  await fill(api, 2345);
  await api.post("users/", { username: "eve" });

  const { status, headers, text } = await api.get("audit/export/");
  assert.equal(status, 200);
  assert.equal(headers["content-type"], "application/x-ndjson");
  const rows = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.equal(rows.length, 2346);
  assert.equal(new Set(rows.map(({ pulp_href }) => pulp_href)).size, 2346);
  const times = rows.map(({ timestamp }) => timestamp);
  assert.deepEqual(times, times.toSorted());
  assert.deepEqual(rows.at(-1), (await entriesOf(api, "username=admin"))[0]);

  const few = await api.get("audit/export/?fields=operation&operation=users_create");
  assert.equal(few.text, '{"operation":"users_create"}\n');
});

test("an export stops reading the database when its client has left", async (t) => {
  const api = await createTestApi(t);
  await fill(api, 60_000);
  const address = await api.app.listen({ host: "127.0.0.1", port: 0 });
  const leaving = new AbortController();
  const authorization = `Basic ${Buffer.from(`admin:${ADMIN_PASSWORD}`).toString("base64")}`;

  const response = await fetch(`${address}${ROOT}audit/export/`, {
    headers: { authorization },
    signal: leaving.signal,
  });
  const reader = response.body?.getReader();
  await reader?.read();
  leaving.abort();
  await reader?.closed.catch(() => undefined);
  await api.app.close();

  const slices = api.statements.filter((text) => /from audit_entry e where/.test(text)).length;
  assert.ok(slices < 60, `${slices} slices were read`);
});

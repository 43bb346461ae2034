import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { ProcessKind } from "#core/tasks/table.ts";
import { createTestApi, ROOT, type TestApi } from "../support/rest-api.ts";
import { addTask } from "../support/rest-rows.ts";

async function addProcess(
  { ctx }: TestApi,
  { kind, name, ageSeconds = 0 }: { kind: ProcessKind; name: string; ageSeconds?: number },
): Promise<string> {
  const id = uuid7();
  await ctx.db
    .insertInto("app_process")
    .values({
      id,
      kind,
      name,
      versions: JSON.stringify({ core: "3.95.0" }),
      ttl_seconds: 30,
      last_heartbeat: sql<string>`clock_timestamp() - ${ageSeconds} * interval '1 second'`,
    })
    .execute();
  return id;
}

test("workers are listed by name and by whether they are online", async (t) => {
  const api = await createTestApi(t);
  await addProcess(api, { kind: "worker", name: "old@host", ageSeconds: 31 });
  const id = await addProcess(api, { kind: "worker", name: "new@host" });
  await addProcess(api, { kind: "api", name: "api@host" });
  const names = async (query: string) =>
    (await api.get(`workers/?${query}`)).body.results.map(({ name }: { name: string }) => name);

  assert.deepEqual(await names(""), ["new@host", "old@host"]);
  assert.deepEqual(await names("online=true"), ["new@host"]);
  assert.deepEqual(await names("online=false"), ["old@host"]);
  assert.deepEqual(await names("missing=true"), ["old@host"]);
  assert.deepEqual(await names("missing=false"), ["new@host"]);
  assert.deepEqual(await names("name__startswith=old"), ["old@host"]);
  assert.deepEqual(await names("name__regex=^n.w@"), ["new@host"]);
  assert.deepEqual(await names("last_heartbeat__lt=2020-01-01"), []);
  assert.equal((await api.get("workers/?name__regex=(")).status, 400);
  const started = performance.now();
  await api.get(`workers/?name__iregex=${encodeURIComponent("(a+)+$")}`);
  assert.ok(performance.now() - started < 1000);

  const { body } = await api.get(`workers/${id}/`);
  const { pulp_created, pulp_last_updated, last_heartbeat, ...rest } = body;
  assert.ok(pulp_created && pulp_last_updated && last_heartbeat);
  assert.deepEqual(rest, {
    pulp_href: `${ROOT}workers/${id}/`,
    prn: `prn:core.appstatus:${id}`,
    name: "new@host",
    versions: { core: "3.95.0" },
    current_task: null,
  });
  assert.deepEqual((await api.get(`workers/?prn__in=prn:core.appstatus:${id}`)).body.count, 1);
  assert.equal((await api.request("DELETE", `workers/${id}/`)).status, 405);
});

test("a worker names the task that it runs", async (t) => {
  const api = await createTestApi(t);
  const owner = await addProcess(api, { kind: "worker", name: "w@host" });
  const task = await addTask(api, { state: "running" });
  await sql`insert into task_queue (seq, task, domain, immediate, pending, tag, owner, keys, excl)
    select seq, id, domain, false, 0, seq, ${owner}, '{}', '{}' from task where id = ${task}`.execute(
    api.ctx.db,
  );

  const { body } = await api.get(`workers/${owner}/`);

  assert.equal(body.current_task, `${ROOT}tasks/${task}/`);
});

test("the status tells versions, processes, store and settings to anybody", async (t) => {
  const api = await createTestApi(t, { settings: { CONTENT_ORIGIN: "https://content.example" } });
  await addProcess(api, { kind: "worker", name: "w@host" });
  await addProcess(api, { kind: "worker", name: "gone@host", ageSeconds: 40 });
  await addProcess(api, { kind: "api", name: "a@host" });
  await addProcess(api, { kind: "content", name: "c@host" });

  const statements = await api.statementsOf(async () => {
    const { status, body } = await api.get("status/", { user: null });
    assert.equal(status, 200);
    assert.deepEqual(
      body.versions.filter(({ component }: { component: string }) => component !== "test"),
      [
        {
          component: "core",
          version: "3.95.0",
          package: "pulpcore",
          module: "pulpcore.app",
          domain_compatible: true,
        },
        {
          component: "file",
          version: "3.95.0",
          package: "pulp-file",
          module: "pulp_file.app",
          domain_compatible: true,
        },
      ],
    );
    for (const [key, name] of [
      ["online_workers", "w@host"],
      ["online_api_apps", "a@host"],
      ["online_content_apps", "c@host"],
    ] as const) {
      assert.deepEqual(Object.keys(body[key][0]), ["name", "last_heartbeat", "versions"]);
      assert.deepEqual(
        body[key].map((app: { name: string }) => app.name),
        [name],
      );
    }
    assert.deepEqual(body.database_connection, { connected: true });
    assert.deepEqual(body.redis_connection, { connected: false });
    const { total, used, free } = body.storage;
    assert.ok(total > 0 && used > 0 && free > 0 && used + free <= total);
    assert.deepEqual(body.content_settings, {
      content_origin: "https://content.example",
      content_path_prefix: "/pulp/content/",
    });
    assert.equal(body.domain_enabled, false);
  });
  assert.ok(statements.length <= 3, String(statements.length));
});

test("a store without figures tells what the artifacts of the domain take", async (t) => {
  const api = await createTestApi(t);
  const id = uuid7();
  await sql`insert into artifact (id, domain, sha256, size)
    values (${id}, ${api.domain.num}, ${Buffer.alloc(32)}, 1234)`.execute(api.ctx.db);
  const { storage } = api.ctx;
  const without = { ...storage(api.domain), usage: () => Promise.resolve(null) };
  Object.assign(api.ctx, { storage: () => without });

  const { body } = await api.get("status/", { user: null });

  assert.deepEqual(body.storage, { total: null, used: 1234, free: null });

  const broken = { ...without, usage: () => Promise.reject(new Error("EIO")) };
  Object.assign(api.ctx, { storage: () => broken });
  assert.equal((await api.get("status/", { user: null })).body.storage, null);
});

test("schedules show their interval and last task, and never their arguments", async (t) => {
  const api = await createTestApi(t);
  const last = await addTask(api);
  const id = uuid7();
  await sql`insert into task_schedule (id, domain, name, task_name, arguments, dispatch_interval,
      next_dispatch, last_task)
    values (${id}, ${api.domain.num}, 'Clean', 'a.b', 'sealed', interval '1440 minutes',
      '2026-01-01', ${last})`.execute(api.ctx.db);

  const { body } = await api.get(`task-schedules/${id}/`);

  const { pulp_created, pulp_last_updated, ...rest } = body;
  assert.ok(pulp_created && pulp_last_updated);
  assert.deepEqual(rest, {
    pulp_href: `${ROOT}task-schedules/${id}/`,
    prn: `prn:core.taskschedule:${id}`,
    name: "Clean",
    task_name: "a.b",
    dispatch_interval: "1 00:00:00",
    next_dispatch: "2026-01-01T00:00:00Z",
    last_task: `${ROOT}tasks/${last}/`,
  });
  for (const [query, count] of [
    ["name=Clean", 1],
    ["name__contains=lea", 1],
    ["task_name=a", 0],
    ["task_name__contains=a", 1],
    ["ordering=dispatch_interval", 1],
  ] as const) {
    assert.equal((await api.get(`task-schedules/?${query}`)).body.count, count, query);
  }
});

test("the default domain shows its store and hides nothing that is not there", async (t) => {
  const api = await createTestApi(t);

  const { body } = await api.get("domains/?name__iexact=DEFAULT");

  assert.equal(body.count, 1);
  const [{ name, storage_settings, pulp_href }] = body.results;
  assert.equal(name, "default");
  assert.equal(storage_settings.location, api.mediaRoot);
  assert.deepEqual(storage_settings.hidden_fields, []);
  assert.equal((await api.get(pulp_href)).body.name, "default");
  assert.equal((await api.request("DELETE", pulp_href)).status, 400);
});

test("options of a store come open, secrets only as a mark", async (t) => {
  const api = await createTestApi(t);
  const seal = (value: unknown) => api.ctx.secrets.seal(JSON.stringify(value));
  await api.ctx.db
    .insertInto("domain")
    .values({
      id: uuid7(),
      name: "s3",
      storage_class: "storages.backends.s3boto3.S3Boto3Storage",
      storage_settings: JSON.stringify({
        bucket_name: seal("b"),
        secret_key: seal("very secret"),
        access_key: seal(""),
      }),
    })
    .execute();

  const { body, text } = await api.get("domains/?name=s3");

  assert.deepEqual(body.results[0].storage_settings, {
    bucket_name: "b",
    hidden_fields: [
      { name: "access_key", is_set: false },
      { name: "secret_key", is_set: true },
      { name: "security_token", is_set: false },
      { name: "cloudfront_key", is_set: false },
    ],
  });
  assert.equal(text.includes("very secret"), false);
});

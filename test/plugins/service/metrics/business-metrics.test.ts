import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { uuid7 } from "#base/uuid7.ts";
import { sql } from "#sdk";
import type { RequestOptions, TestApi } from "../../../support/rest-api.ts";
import {
  as,
  below,
  CLASSES,
  createService,
  makeDomain,
  makeGroup,
  RBAC,
  STRANGER,
  saml,
  user,
} from "../support.ts";
import { at, fillIndex } from "./world.ts";

const classes = [CLASSES.certificate, CLASSES.saml, CLASSES.basic, CLASSES.terms];

interface Download {
  readonly hour: string;
  readonly user?: string;
  readonly org?: string;
  readonly name?: string;
  readonly type?: string;
  readonly base?: string;
  readonly client?: string;
  readonly count?: number;
  readonly bytes?: number;
  readonly hits?: number;
}

const kindOf = (name?: string, org?: string) =>
  name === undefined
    ? org === undefined
      ? null
      : "org_only"
    : name.includes("@")
      ? "email"
      : "username";

async function addDownloads({ ctx }: TestApi, domain: number, rows: readonly Download[]) {
  for (const { hour, user: name, org, ...row } of rows) {
    await sql`insert into service_package_download (id, domain, hour, key, package_type, name,
        base_path, org_id, username, user_kind, client_family, count, bytes, cache_hits)
      values (${uuid7()}, ${domain}, ${hour}, gen_random_uuid(), ${row.type ?? "rpm"},
        ${row.name ?? "bear"}, ${row.base ?? "b"}, ${org ?? null}, ${name ?? null},
        ${kindOf(name, org)}, ${row.client ?? "dnf"}, ${row.count ?? 1}, ${row.bytes ?? 10},
        ${row.hits ?? 0})`.execute(ctx.db);
  }
}

interface Request {
  readonly day: string;
  readonly user?: string;
  readonly org?: string;
  readonly base?: string;
  readonly count?: number;
}

async function addRequests({ ctx }: TestApi, domain: number, rows: readonly Request[]) {
  for (const { day, user: name, org, base, count = 1 } of rows) {
    await sql`insert into service_request_activity (domain, day, key, base_path, username, org_id,
        user_kind, count) values (${domain}, ${day}, gen_random_uuid(), ${base ?? null},
        ${name ?? null}, ${org ?? null}, ${kindOf(name, org)}, ${count})`.execute(ctx.db);
  }
}

const NOVEMBER = "from=2026-11-01&to=2026-12-01";

async function createReported(t: TestContext) {
  const api = await createService(t, { classes });
  await addDownloads(api, api.domain.num, [
    { hour: "2026-11-02T10:00Z", user: "ana", org: "1", count: 3, bytes: 30, hits: 1 },
    { hour: "2026-11-02T11:00Z", user: "eve@x", org: "2", name: "wolf", client: "yum", bytes: 99 },
    {
      hour: "2026-11-09T00:00Z",
      org: "2",
      type: "python",
      name: "cat",
      base: "py/a",
      client: "pip",
    },
    { hour: "2026-12-01T00:00Z", user: "late", count: 1000 },
    { hour: "2026-10-31T23:00Z", user: "ana", org: "1", count: 1000 },
  ]);
  await addRequests(api, api.domain.num, [
    { day: "2026-11-02", user: "ana", org: "1", count: 5 },
    { day: "2026-11-03", user: "ben", org: "1", base: "py/a", count: 7 },
    { day: "2026-11-03", base: "py/a", count: 100 },
    { day: "2026-12-01", user: "late" },
  ]);
  const report = async (path: string, query = NOVEMBER, who: RequestOptions = {}) => {
    const answer = await api.get(at(`business_metrics/${path}?${query}`), who);
    assert.equal(answer.status, 200, answer.text);
    return answer.body;
  };
  return { api, report };
}

const busy = (rows: readonly Record<string, unknown>[], key: string) =>
  rows.filter((row) => row[key] !== 0);

test("9.5: reports count what lies in their time", async (t) => {
  const { api, report } = await createReported(t);
  assert.deepEqual(await report("summary/"), {
    ...{ downloads: 5, bytes: 139, unique_users: 4, unique_orgs: 2, packages: 3 },
    ...{ cache_hit_ratio: 0.2, new_users: 3, storage_bytes: 0, repositories: 0, distributions: 0 },
  });
  const days = await report("downloads/");
  assert.equal(days.length, 30);
  assert.deepEqual(days[0], { time: "2026-11-01T00:00:00Z", downloads: 0, bytes: 0 });
  assert.deepEqual(busy(days, "downloads"), [
    { time: "2026-11-02T00:00:00Z", downloads: 4, bytes: 129 },
    { time: "2026-11-09T00:00:00Z", downloads: 1, bytes: 10 },
  ]);
  const hours = await report("downloads/", `${NOVEMBER}&interval=hour`);
  assert.equal(hours.length, 720);
  assert.equal(busy(hours, "downloads").length, 3);
  const months = await report("downloads/", `${NOVEMBER}&interval=month`);
  assert.deepEqual(months, [{ time: "2026-11-01T00:00:00Z", downloads: 5, bytes: 139 }]);
  const weeks = await report("downloads/", `${NOVEMBER}&interval=week`);
  assert.equal(weeks[0].time, "2026-10-26T00:00:00Z", "weeks begin on Monday");

  assert.deepEqual(await report("user_types/"), [
    { user_type: "username", unique_users: 2 },
    { user_type: "email", unique_users: 1 },
    { user_type: "org_only", unique_users: 1 },
  ]);
  assert.deepEqual(await report("top_users/"), [
    { user: "ben", requests: 7 },
    { user: "ana", requests: 5 },
  ]);
  assert.deepEqual(await report("top_users/", `${NOVEMBER}&limit=1`), [
    { user: "ben", requests: 7 },
  ]);
  assert.deepEqual(await report("top_packages/"), [
    { package: "bear", downloads: 3, bytes: 30 },
    { package: "cat", downloads: 1, bytes: 10 },
    { package: "wolf", downloads: 1, bytes: 99 },
  ]);
  assert.deepEqual(await report("organizations/"), [
    { org_id: "1", requests: 12, downloads: 3, bytes: 30 },
    { org_id: "2", requests: 0, downloads: 2, bytes: 109 },
  ]);
  assert.deepEqual(busy(await report("new_users/"), "new_users"), [
    { time: "2026-11-02T00:00:00Z", new_users: 1 },
    { time: "2026-11-03T00:00:00Z", new_users: 1 },
    { time: "2026-11-09T00:00:00Z", new_users: 1 },
  ]);
  assert.deepEqual(await report("clients/"), [
    { client_family: "dnf", requests: 3 },
    { client_family: "pip", requests: 1 },
    { client_family: "yum", requests: 1 },
  ]);
  const root = await report("");
  assert.deepEqual(
    [root.domain, root.from, root.to],
    ["default", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"],
  );
  for (const link of Object.values<string>(root.links)) {
    assert.equal((await api.get(link)).status, 200, link);
  }
  assert.equal(Object.keys(root.links).length, 10);
});

test("reports are narrowed by the place and the type of what was downloaded", async (t) => {
  const { api, report } = await createReported(t);
  const total = async (query: string) =>
    (await report("summary/", `${NOVEMBER}&${query}`)).downloads;
  assert.equal(await total("distribution=b"), 4);
  assert.equal(await total("distribution=py/*"), 1);
  assert.equal(await total("distribution=%3Fy/a"), 1);
  assert.equal(await total("distribution=%25"), 0, "no wildcard of ours");
  assert.equal(await total("package_type=python"), 1);
  assert.equal(await total("package_type=maven"), 0);
  assert.deepEqual(await report("top_users/", `${NOVEMBER}&distribution=py/*`), [
    { user: "ben", requests: 7 },
  ]);
  assert.deepEqual(await report("top_users/", `${NOVEMBER}&package_type=python`), []);
  await sql`insert into distribution (id, domain, type, name, base_path)
    values (${uuid7()}, ${api.domain.num}, 'python.python', 'py', 'py/a')`.execute(api.ctx.db);
  assert.deepEqual(await report("top_users/", `${NOVEMBER}&package_type=python&limit=9`), [
    { user: "ben", requests: 7 },
  ]);
});

test("users of a day, a week and a month are those that a count by hand finds", async (t) => {
  const api = await createService(t, { classes });
  const start = Date.parse("2026-09-01T00:00:00Z");
  const dayOf = (n: number) => new Date(start + n * 86_400_000).toISOString().slice(0, 10);
  // Spread without pattern, and the same at each run.
  const events = Array.from({ length: 150 }, (_, n) => ({
    day: (n * n * 7 + n * 13) % 90,
    user: `u${(n * 31 + (n % 7)) % 23}`,
  }));
  await addRequests(
    api,
    api.domain.num,
    events.slice(0, 100).map(({ day, user: name }) => ({ day: dayOf(day), user: name })),
  );
  await addDownloads(
    api,
    api.domain.num,
    events.slice(100).map(({ day, user: name }) => ({ hour: `${dayOf(day)}T05:00Z`, user: name })),
  );
  const within = (day: number, days: number) =>
    new Set(events.filter((e) => e.day <= day && e.day > day - days).map((e) => e.user)).size;
  const { body } = await api.get(
    at(`business_metrics/active_users/?from=${dayOf(20)}&to=${dayOf(90)}`),
  );
  const expected = Array.from({ length: 70 }, (_, n) => ({
    time: `${dayOf(20 + n)}T00:00:00Z`,
    dau: within(20 + n, 1),
    wau: within(20 + n, 7),
    mau: within(20 + n, 30),
  }));
  assert.deepEqual(body, expected);
  const months = await api.get(
    at("business_metrics/active_users/?from=2026-10-01&to=2026-11-01&interval=month"),
  );
  const last = expected.find(({ time }) => time.startsWith("2026-10-31"));
  assert.deepEqual(months.body, [{ ...last, time: "2026-10-01T00:00:00Z" }]);
});

test("storage is that of the samples, and of now", async (t) => {
  const api = await createService(t, { classes });
  await fillIndex(api);
  await sql`insert into service_storage_sample (domain, day, bytes, artifacts)
    select ${api.domain.num}, current_date - n, 100 - n, n from generate_series(0, 3) n`.execute(
    api.ctx.db,
  );
  const { body } = await api.get(at("business_metrics/storage/"));
  const sizes = body.map(({ bytes, artifacts }: Record<string, number>) => [bytes, artifacts]);
  const { rows } = await sql<{
    size: number;
  }>`select sum(size)::bigint as size from artifact`.execute(api.ctx.db);
  assert.deepEqual(sizes, [
    [97, 3],
    [98, 2],
    [99, 1],
    [rows[0]?.size, 3],
  ]);
});

test("reports come as CSV, and are remembered for a while", async (t) => {
  const { api, report } = await createReported(t);
  const csv = await api.get(at(`business_metrics/top_packages/?${NOVEMBER}&format=csv`));
  assert.match(String(csv.headers["content-type"]), /^text\/csv/);
  assert.equal(csv.text, "package,downloads,bytes\r\nbear,3,30\r\ncat,1,10\r\nwolf,1,99\r\n");
  const headers = { accept: "text/csv" };
  const none = await api.get(at("business_metrics/clients/?to=2020-01-01"), { headers });
  assert.equal(none.text, "client_family,requests\r\n");
  assert.equal(none.headers.vary, "Accept");
  await addDownloads(api, api.domain.num, [
    { hour: "2026-11-05T00:00Z", name: 'a "b", c', count: 50 },
  ]);
  assert.equal((await report("top_packages/"))[0].package, "bear", "as it was before");
  const fresh = await api.get(at(`business_metrics/top_packages/?${NOVEMBER}&limit=1&format=csv`));
  assert.equal(fresh.text, 'package,downloads,bytes\r\n"a ""b"", c",50,10\r\n');
});

test("reports are for who has the domain; those of all domains for readers of everything", async (t) => {
  const { api, report } = await createReported(t);
  const [ana, eve] = [as(user("ana", "1")), as(user("eve", "2"))];
  await makeDomain(api, "own", ana);
  await api.get(at("repositories/"), as(saml("ops@example.org")));
  await makeGroup(api, "admin-readonly", ["ops@example.org"]);
  const ops = as(saml("ops@example.org"));
  const statusOf = async (domain: string, query: string, who: RequestOptions) =>
    (await api.get(below(domain, `business_metrics/summary/?${query}`), who)).status;
  assert.equal(await statusOf("own", NOVEMBER, ana), 200);
  assert.equal(await statusOf("own", NOVEMBER, eve), 403);
  assert.equal(await statusOf("own", NOVEMBER, STRANGER), 401);
  assert.equal(await statusOf("own", `${NOVEMBER}&all_domains=true`, ana), 403);
  assert.equal(await statusOf("own", `${NOVEMBER}&all_domains=false`, ana), 200);
  assert.equal(await statusOf("default", NOVEMBER, ana), 403);
  assert.equal(await statusOf("nowhere", NOVEMBER, {}), 404);
  assert.equal((await report("summary/", `${NOVEMBER}&all_domains=true`, ops)).downloads, 5);
  assert.equal((await report("summary/", NOVEMBER, ops)).downloads, 5);
  const own = below("own", `business_metrics/summary/?${NOVEMBER}`);
  assert.equal((await api.get(own, ana)).body.downloads, 0, "nothing of other domains");
  const whole = below("own", `business_metrics/summary/?${NOVEMBER}&all_domains=true`);
  assert.equal((await api.get(whole)).body.downloads, 5);
  assert.equal((await api.get(below("own", "repositories/"), ops)).status, 403, "metrics alone");
  assert.equal((await api.request("POST", own, ana)).status, 405);
  const answer = await api.get(at("business_metrics/summary/?from=2025-01-01&to=2026-11-30"));
  assert.deepEqual([answer.status, Object.keys(answer.body)], [400, ["to"]]);
});

test("roles open reports where roles decide", async (t) => {
  const api = await createService(t, {
    classes,
    REST_FRAMEWORK: {
      DEFAULT_AUTHENTICATION_CLASSES: classes,
      DEFAULT_PERMISSION_CLASSES: [RBAC],
    },
  });
  const ops = as(saml("ops@example.org"));
  const status = async () => (await api.get(at("business_metrics/downloads/"), ops)).status;
  assert.equal(await status(), 403);
  const users = await api.get(at("users/?username=ops@example.org"));
  const json = { role: "service.rpmpackagedownload_viewer", content_object: null, domain: null };
  const made = await api.request("POST", `${users.body.results[0].pulp_href}roles/`, { json });
  assert.equal(made.status, 201, made.text);
  assert.equal(await status(), 200);
  assert.equal((await api.get(at("rpm_package_download/"), ops)).status, 200);
});

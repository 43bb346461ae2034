import assert from "node:assert/strict";
import { test } from "node:test";
import { dispatch } from "#core/tasks/commands.ts";
import { cleanUpMetrics, sampleStorage } from "#plugins/service/metrics/clean-up.ts";
import { sql } from "#sdk";
import type { TestApi } from "../../../support/rest-api.ts";
import { runTasks } from "../../../support/run-tasks.ts";
import {
  as,
  below,
  CLASSES,
  certificate,
  createService,
  makeDomain,
  STRANGER,
  saml,
  user,
} from "../support.ts";
import { at, fillIndex } from "./world.ts";

const SECRET_KEY = "secret of the tests";
const classes = [CLASSES.certificate, CLASSES.saml, CLASSES.basic, CLASSES.terms];

/** Rows of the table, in the order of their counts and users. */
async function activity({ ctx, meters }: TestApi) {
  await meters?.close();
  const { rows } = await sql<Record<string, unknown>>`
    select d.name as domain, base_path, username, a.org_id, user_kind, ip_hash, count
    from service_request_activity a join domain d on d.num = a.domain
    where username is distinct from 'admin' order by username, base_path`.execute(ctx.db);
  return rows;
}

test("9.4: permitted requests are counted by index, user, organisation and address", async (t) => {
  const api = await createService(t, { classes, SECRET_KEY });
  await fillIndex(api);
  const ana = as(user("ana", "1"), { remoteAddress: "192.0.2.1" });
  await makeDomain(api, "own", ana);
  assert.equal((await api.get(below("own", "repositories/"), ana)).status, 200);
  assert.equal((await api.get(at("repositories/"), ana)).status, 403, "not permitted: not counted");
  const people = [ana, as(certificate("/O=One/CN=bot", "1")), as(saml("sam@example.org"))];
  for (const who of [...people, as({ org_id: "7" }), STRANGER]) {
    for (let times = 0; times < 2; times += 1) {
      assert.equal((await api.get("/pypi/default/idx/simple/", who)).status, 200);
    }
  }
  assert.equal((await api.get("/pulp/api/v3/status/", STRANGER)).status, 200, "not counted");

  const rows = await activity(api);
  const told = rows.map(
    (row) =>
      `${row.domain} ${row.base_path} ${row.username} ${row.org_id} ${row.user_kind} ${row.count}`,
  );
  assert.deepEqual(told, [
    "default idx /O=One/CN=bot null service_account 2",
    "default idx ana 1 username 2",
    "default null ana 1 username 1",
    "own null ana 1 username 1",
    "default idx sam@example.org null email 2",
    "default idx null 7 org_only 2",
    "default idx null null null 2",
  ]);
  const hashes = new Set(rows.map(({ ip_hash }) => ip_hash));
  assert.equal(hashes.size, 2);
  for (const hash of hashes) assert.match(String(hash), /^[0-9a-f]{32}$/);
});

test("addresses are not kept without a secret, nor anything where counting is off", async (t) => {
  const api = await createService(t, { classes });
  await api.get(at("repositories/"), as(user("ana", "1")));
  await fillIndex(api);
  await api.get("/pypi/default/idx/simple/", STRANGER);
  assert.deepEqual(
    (await activity(api)).map(({ ip_hash }) => ip_hash),
    [null],
  );

  const off = await createService(t, { classes, DOWNLOAD_METRICS_ENABLED: false });
  await fillIndex(off);
  assert.equal((await off.get("/pypi/default/idx/simple/", STRANGER)).status, 200);
  assert.deepEqual(await activity(off), []);
});

test("old counts are removed, and the storage of domains is sampled", async (t) => {
  const api = await createService(t, { classes, DOWNLOAD_METRICS_RETENTION_DAYS: 10 });
  await fillIndex(api);
  const { ctx, domain, caller } = api;
  await sql`insert into service_request_activity (domain, day, key, count)
    select ${domain.num}, current_date - n, gen_random_uuid(), 1 from generate_series(0, 19) n`.execute(
    ctx.db,
  );
  await sql`insert into service_package_download (id, domain, hour, key, package_type, name,
      base_path, client_family, count, bytes, cache_hits)
    select gen_random_uuid(), ${domain.num}, date_trunc('hour', now()) - n * interval '1 hour',
      gen_random_uuid(), 'file', 'f', 'b', 'other', 1, 1, 0 from generate_series(0, 25000) n`.execute(
    ctx.db,
  );
  for (const task of [cleanUpMetrics, sampleStorage, sampleStorage]) {
    await dispatch(ctx, { task, input: {}, caller, immediate: false });
    await runTasks(api);
  }
  const one = async (query: ReturnType<typeof sql>) =>
    (await query.execute(ctx.db)).rows[0] as Record<string, unknown>;
  const left = await one(sql`select (select count(*)::int from service_package_download) as hours,
    (select count(*)::int from service_request_activity) as days`);
  assert.deepEqual(left, { hours: 240, days: 10 });
  const sampled = await one(sql`select s.bytes::int8 = (select sum(size) from artifact) as is_sum,
    artifacts::int, day = (now() at time zone 'utc')::date as is_today from service_storage_sample s
    where domain = ${domain.num}`);
  assert.deepEqual(sampled, { is_sum: true, artifacts: 3, is_today: true });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { sdist, wheel } from "../../python/distributions.ts";
import { certificate, headersFor, user } from "../support.ts";
import { at, createMetered } from "./world.ts";

const FILE = wheel().filename;
const pip = { "user-agent": "pip/25.0 {}" };

test("9.4: a download is GET of a whole file, or of its beginning, and nothing else", async (t) => {
  const w = await createMetered(t);
  const range = (text: string) => ({ headers: { ...pip, range: text } });
  for (let times = 0; times < 3; times += 1) assert.equal(await w.get(FILE, { headers: pip }), 200);
  assert.equal(await w.get(FILE, range("bytes=0-9")), 206);
  assert.equal(await w.get(FILE, range("bytes=5-9")), 206);
  assert.equal(await w.get(FILE, range("bytes=-5")), 206);
  assert.equal(await w.get(FILE, { method: "HEAD", headers: pip }), 200);
  assert.equal(await w.get(`${FILE}.metadata`, { headers: pip }), 200);
  assert.equal(await w.get("other-1.0.tar.gz", { headers: pip }), 404);
  const conditional = { headers: { ...pip, "if-modified-since": new Date().toUTCString() } };
  assert.equal(await w.get(FILE, conditional), 304);
  await w.flush();

  const [row, ...more] = await w.rows();
  assert.equal(more.length, 0);
  const size = wheel().bytes.length;
  const { pulp_href, prn, pulp_created, pulp_last_updated, content, distribution, ...told } = row;
  assert.match(pulp_href, /^\/pulp\/default\/api\/v3\/rpm_package_download\/[-0-9a-f]{36}\/$/);
  assert.match(prn, /^prn:service\.rpmpackagedownload:/);
  assert.ok(Date.parse(pulp_created) <= Date.parse(pulp_last_updated));
  assert.match(content, /\/content\/python\/packages\//);
  assert.match(distribution, /\/distributions\/python\/pypi\//);
  assert.deepEqual(told, {
    ...{ hour: "2026-11-24T12:00:00Z", package_type: "python", name: "shelf-reader" },
    ...{ epoch: null, version: "0.1", release: null, arch: "any", nevra: null },
    ...{ base_path: "idx", org_id: null, user: null, client_family: "pip" },
    ...{ count: 4, bytes: 3 * size + 10, cache_hits: 3 },
  });
  const read = await w.api.get(pulp_href);
  assert.deepEqual(read.body, row);
});

test("rows are of an hour, an organisation, a user and a client; later counts join them", async (t) => {
  const w = await createMetered(t);
  const ana = headersFor(user("ana", "1"));
  const bot = headersFor(certificate("/O=One/CN=bot", "1"));
  await w.get(FILE, { headers: { ...ana, ...pip } });
  await w.flush();
  await w.get(FILE, { headers: { ...ana, ...pip } });
  await w.get(FILE, { headers: { ...ana, "user-agent": "uv/0.9" } });
  await w.get(FILE, { headers: { ...bot, "user-agent": "unheard of" } });
  await w.get(sdist().filename, { headers: { ...ana, ...pip } });
  w.clock.time += 3_600_000;
  await w.get(FILE, { headers: { ...ana, ...pip } });
  await w.flush();

  const told = (await w.rows("?ordering=hour,name")).map(
    (row: Record<string, unknown>) =>
      `${String(row.hour).slice(11, 13)} ${row.arch} ${row.org_id} ${row.user} ${row.client_family} ${row.count}`,
  );
  assert.deepEqual(told.toSorted(), [
    "12 any 1 ana pip 2",
    "12 any 1 ana uv 1",
    "12 any null /O=One/CN=bot other 1",
    "12 null 1 ana pip 1",
    "13 any 1 ana pip 1",
  ]);
  const counts = async (query: string) => (await w.rows(query)).length;
  assert.equal(await counts("?org_id=1"), 4);
  assert.equal(await counts("?arch=any&hour__lt=2026-11-24T13:00:00Z"), 3);
  assert.equal(await counts("?hour__gte=2026-11-24T13:00:00Z"), 1);
  assert.equal(await counts("?name=shelf-reader&base_path=idx&package_type=python"), 5);
  assert.equal(await counts("?package_type=rpm"), 0);
  assert.equal((await w.api.get(at("rpm_package_download/?hour__gte=noon"))).status, 400);
});

test("a thousand downloads are a few statements; names of any length and sort are counted", async (t) => {
  const w = await createMetered(t);
  const long = "\u{1F600}".repeat(1000);
  const statements = await w.api.statementsOf(async () => {
    for (let times = 0; times < 500; times += 1) await w.get(FILE, { headers: pip });
    for (const name of [long, "a\0b", "\ud800"]) {
      await w.get(FILE, { headers: headersFor({ org_id: name, user: { username: name } }) });
    }
    await w.flush();
  });
  assert.equal(statements.filter((text) => /service_package_download/.test(text)).length, 1);
  const users = (await w.rows("?ordering=-hour")).map((row: { user: string }) => row.user);
  assert.deepEqual(new Set(users), new Set([null, long.slice(0, 500), "a\uFFFDb"]));
});

test("nothing is counted beyond the buffer, or where counting is off", async (t) => {
  const w = await createMetered(t, { DOWNLOAD_METRICS_BUFFER: 1 });
  await w.get(FILE, { headers: pip });
  await w.get(sdist().filename, { headers: pip });
  await w.get(FILE, { headers: pip });
  await w.flush();
  assert.deepEqual(
    (await w.rows()).map((row: { count: number }) => row.count),
    [2],
  );

  const off = await createMetered(t, { DOWNLOAD_METRICS_ENABLED: false });
  assert.equal(await off.get(FILE, { headers: pip }), 200);
  await off.flush();
  assert.deepEqual(await off.rows(), []);
});

test("counts survive a failure to write them, and what they name", async (t) => {
  const w = await createMetered(t);
  await w.get(FILE, { headers: pip });
  await w.api.ctx.db.schema.alterTable("service_package_download").renameTo("away").execute();
  await w.flush();
  assert.match(w.api.logged.at(-1) ?? "", /1 rows of downloads are written later/);
  await w.api.ctx.db.schema.alterTable("away").renameTo("service_package_download").execute();
  await w.flush();
  const [row] = await w.rows();
  assert.equal((await w.api.request("DELETE", row.distribution)).status, 202);
  const [left] = await w.rows();
  assert.deepEqual([left.count, left.distribution, left.base_path], [1, null, "idx"]);
});

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { sql } from "kysely";
import { objectName } from "#core/artifacts/queries.ts";
import { digestOf } from "./rows.ts";
import { createSite, type Site } from "./site.ts";

const CP = "/pulp/content/";
const AT = "2026-08-12T09:30:00.123456Z";
const SMALL = Buffer.from("0123456789");
/** Larger than what is kept in memory, and than one step. */
const LARGE = Buffer.from(
  Buffer.alloc(3_000_000).map((_, index) => (index * 31 + (index >> 8)) % 251),
);
const etag = `"${digestOf(SMALL).toString("hex")}"`;

test("a file of a pass-through publication is served with its facts", async (t) => {
  const site = await createSite(t);
  await site.rows.published("a/b", [{ path: "x/y.tar.gz", bytes: "hello", at: AT }]);

  const { status, headers, body } = await site.get("/pulp/content/a/b/x/y.tar.gz");

  assert.equal(status, 200);
  assert.equal(body.toString(), "hello");
  assert.equal(headers["content-length"], "5");
  assert.equal(headers["content-type"], "application/gzip");
  assert.equal(headers["x-pulp-artifact-size"], "5");
  assert.equal(headers["accept-ranges"], "bytes");
  assert.equal(headers.etag, `"${digestOf("hello").toString("hex")}"`);
  assert.equal(headers["last-modified"], "Wed, 12 Aug 2026 09:30:00 GMT");
  assert.equal(headers["cache-control"], "public, max-age=0, must-revalidate");
  assert.equal(headers["x-pulp-cache"], undefined);
  assert.match(String(headers["correlation-id"]), /^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
  assert.equal(headers["access-control-expose-headers"], "Correlation-ID");
});

test("a correlation id that is a UUID comes back as it was sent", async (t) => {
  const site = await createSite(t);
  const of = async (id: string) =>
    (await site.get("/pulp/content/", { "correlation-id": id })).headers["correlation-id"];

  assert.equal(await of("0190b0d0C0de7abc8def0123456789ab"), "0190b0d0C0de7abc8def0123456789ab");
  assert.equal(
    await of("0190b0d0-c0de-7abc-8def-0123456789ab"),
    "0190b0d0-c0de-7abc-8def-0123456789ab",
  );
  assert.notEqual(await of("0190b0d0-c0de"), "0190b0d0-c0de");
});

for (const [name, bytes] of Object.entries({ memory: SMALL, "an open file": LARGE })) {
  describe(`ranges of a file from ${name}`, () => {
    const n = bytes.length;
    const cases: readonly [string, number, Buffer | undefined, string][] = [
      ["bytes=0-0", 206, bytes.subarray(0, 1), `bytes 0-0/${n}`],
      ["bytes=3-7", 206, bytes.subarray(3, 8), `bytes 3-7/${n}`],
      ["bytes=4-", 206, bytes.subarray(4), `bytes 4-${n - 1}/${n}`],
      ["bytes=-4", 206, bytes.subarray(n - 4), `bytes ${n - 4}-${n - 1}/${n}`],
      [`bytes=-${n + 5}`, 206, bytes, `bytes 0-${n - 1}/${n}`],
      [`bytes=2-${n + 5}`, 206, bytes.subarray(2), `bytes 2-${n - 1}/${n}`],
      [`bytes=${n}-`, 416, undefined, `bytes */${n}`],
      ["bytes=7-3", 416, undefined, `bytes */${n}`],
      ["bytes=0-1,3-4", 416, undefined, `bytes */${n}`],
      ["bytes=x", 416, undefined, `bytes */${n}`],
    ];
    test("each form", async (t) => {
      const site = await createSite(t);
      await site.rows.published("d", [{ path: "f", bytes, at: AT }]);
      for (let round = 0; round < 2; round += 1) {
        for (const [range, status, expected, contentRange] of cases) {
          const answer = await site.get("/pulp/content/d/f", { range });
          assert.equal(answer.status, status, range);
          assert.equal(answer.headers["content-range"], contentRange, range);
          const body = expected ?? Buffer.from("416: Range Not Satisfiable");
          assert.equal(Buffer.compare(answer.body, body), 0, range);
          assert.equal(answer.headers["content-length"], String(body.length), range);
          const head = await site.head("/pulp/content/d/f", { range });
          assert.equal(head.status, status, range);
          assert.equal(head.headers["content-range"], contentRange, range);
          assert.equal(head.body.length, 0);
        }
      }
      const whole = await site.get("/pulp/content/d/f");
      assert.equal(Buffer.compare(whole.body, bytes), 0);
    });
  });
}

describe("conditions", () => {
  const date = "Wed, 12 Aug 2026 09:30:00 GMT";
  const cases: readonly [string, Record<string, string>, number][] = [
    ["same tag", { "if-none-match": etag }, 304],
    ["weak tag", { "if-none-match": `W/${etag}` }, 304],
    ["other tag", { "if-none-match": '"x"' }, 200],
    ["tag wins over date", { "if-none-match": '"x"', "if-modified-since": date }, 200],
    ["date", { "if-modified-since": date }, 304],
    ["later date", { "if-modified-since": "Thu, 13 Aug 2026 09:30:00 GMT" }, 304],
    ["earlier date", { "if-modified-since": "Tue, 11 Aug 2026 09:30:00 GMT" }, 200],
    ["no date", { "if-modified-since": "now" }, 200],
    ["304 before range", { "if-none-match": etag, range: "bytes=0-1" }, 304],
    ["range of the same tag", { "if-range": etag, range: "bytes=0-1" }, 206],
    ["range of the same date", { "if-range": date, range: "bytes=0-1" }, 206],
    ["range of another tag", { "if-range": '"x"', range: "bytes=0-1" }, 200],
    ["bad range of another tag", { "if-range": '"x"', range: "bytes=99-" }, 200],
    ["failed precondition", { "if-match": '"x"' }, 412],
  ];
  test("each form, cached and not", async (t) => {
    const site = await createSite(t);
    await site.rows.published("d", [{ path: "f", bytes: SMALL, at: AT }]);
    const cold = await createSite(t, { settings: { RESPONSE_CACHE_BYTES: 0 } });
    await cold.rows.published("d", [{ path: "f", bytes: SMALL, at: AT }]);
    for (const [name, headers, status] of cases) {
      for (const { get, head } of [site, cold]) {
        const answer = await get("/pulp/content/d/f", headers);
        assert.equal(answer.status, status, name);
        assert.equal((await head("/pulp/content/d/f", headers)).status, status, name);
        if (status !== 304) continue;
        assert.equal(answer.body.length, 0, name);
        assert.equal(answer.headers.etag, etag, name);
        assert.equal(answer.headers["last-modified"], date, name);
        assert.equal(answer.headers["cache-control"], "public, max-age=0, must-revalidate", name);
        assert.equal(answer.headers["content-length"], undefined, name);
      }
    }
  });

  test("a generated file has no date", async (t) => {
    const site = await createSite(t);
    const repo = await site.rows.repository();
    const version = await site.rows.version(repo, 1, []);
    const artifact = await site.rows.artifact("1.iso,abc,3\n");
    const paths = { PULP_MANIFEST: { artifact } };
    await site.rows.publication(version.id, { paths });
    await site.rows.distribution("d", { repository: repo.id });

    const since = { "if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT" };
    const answer = await site.get("/pulp/content/d/PULP_MANIFEST", since);

    assert.equal(answer.status, 200);
    assert.equal(answer.headers["last-modified"], undefined);
    assert.equal(answer.headers["cache-control"], "public, max-age=0, must-revalidate");
  });
});

test("HEAD has the headers of GET and no body", async (t) => {
  const site = await createSite(t);
  await site.rows.published("d", [
    { path: "f", bytes: SMALL, at: AT },
    { path: "g/h", bytes: LARGE },
  ]);
  for (const path of ["d/f", "d/g/h", "d/", "d/g", "d/none", ""]) {
    const get = await site.get(`/pulp/content/${path}`);
    const head = await site.head(`/pulp/content/${path}`);
    const facts = ({ date: _date, "correlation-id": _id, ...headers }: typeof get.headers) =>
      headers;
    assert.equal(head.status, get.status, path);
    assert.deepEqual(facts(head.headers), facts(get.headers), path);
    assert.equal(head.body.length, 0, path);
  }
});

test("an empty file", async (t) => {
  const site = await createSite(t);
  await site.rows.published("d", [{ path: "f", bytes: "" }]);
  for (let round = 0; round < 2; round += 1) {
    const answer = await site.get("/pulp/content/d/f");
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-length"], "0");
  }
  const range = await site.get("/pulp/content/d/f", { range: "bytes=0-" });
  assert.equal(range.status, 416);
  assert.equal(range.headers["content-range"], "bytes */0");
});

test("errors are one line of text, with the reason in the status line", async (t) => {
  const site = await createSite(t);
  await site.rows.distribution("empty");
  const cases: readonly [string, string, number, string][] = [
    ["GET", "/pulp/content/none", 404, "Not Found"],
    ["GET", "/elsewhere", 404, "Not Found"],
    ["GET", "/pulp/content/%00", 400, "Bad Request"],
    ["POST", "/pulp/content/", 405, "Method Not Allowed"],
    ["DELETE", "/pulp/content/x", 405, "Method Not Allowed"],
    [
      ...["GET", "/pulp/content/empty/x"],
      404,
      "Distribution is not pointing to a publication, repository, repository version, or remote.",
    ] as [string, string, number, string],
  ];
  for (const [method, path, status, reason] of cases) {
    const answer = await site.fetch({ method, path });
    assert.equal(answer.status, status, path);
    assert.equal(answer.reason, reason, path);
    assert.equal(answer.body.toString(), `${status}: ${reason}`, path);
    assert.equal(answer.headers["content-type"], "text/plain; charset=utf-8", path);
  }
});

describe("statements", () => {
  const cold = { settings: { RESPONSE_CACHE_BYTES: 0 } };
  async function check(site: Site, most: Readonly<Record<string, number>>) {
    for (const [path, expected] of Object.entries(most)) {
      const { statements } = await site.counted(`/pulp/content/${path}`);
      assert.ok(statements <= expected, `${path}: ${statements} > ${expected}`);
      assert.ok(statements > 0 || expected === 0, path);
    }
  }

  test("a file needs two, a missing one two, a listing three", async (t) => {
    const site = await createSite(t, cold);
    await site.rows.published("d", [{ path: "a/f", bytes: SMALL }]);
    const repo = await site.rows.repository("pkg.pkg");
    await site.rows.version(repo, 1, [{ path: "p/q.rpm", bytes: SMALL }]);
    await site.rows.distribution("v", { type: "pkg.pkg", repository: repo.id });
    await check(site, {
      ...{ "d/a/f": 2, "d/none": 2, "d/a": 2, "d/a/": 3, d: 1, nothing: 1, "": 2 },
      ...{ "v/p/q.rpm": 2, "v/none": 2, "v/p/": 3 },
    });
  });

  test("grace needs three", async (t) => {
    const site = await createSite(t, cold);
    const { id, repo, publication } = await site.rows.published("d", [{ path: "old", bytes: "1" }]);
    const next = await site.rows.version(repo, 2, []);
    await site.rows.publication(next.id, { layout: "rows" });
    await site.ctx.db
      .insertInto("distributed_publication")
      .values({ distribution: id, publication, expires_at: "2100-01-01T00:00:00Z" })
      .execute();
    const answer = await site.counted("/pulp/content/d/old");
    assert.equal(answer.status, 200);
    assert.equal(answer.statements, 3);
  });

  test("a cached answer needs none", async (t) => {
    const site = await createSite(t);
    await site.rows.published("d", [
      { path: "a/f", bytes: SMALL },
      { path: "g", bytes: LARGE },
    ]);
    const paths = ["d/a/f", "d/g", "d/", "d/none"];
    for (const path of paths) await site.get(`/pulp/content/${path}`);
    await check(site, Object.fromEntries(paths.map((path) => [path, 0])));
  });

  test("sizes do not matter", async (t) => {
    const site = await createSite(t, cold);
    const { repo } = await site.rows.published("d", [{ path: "f0", bytes: SMALL }]);
    await site.rows.manyUnits(repo, 20_000);
    await sql`analyze`.execute(site.ctx.db);
    for (const path of ["dir7/file0000007", "none", "dir7/none", "dir7"]) {
      const before = await blocks(site);
      for (let i = 0; i < 20; i += 1) await site.get(`/pulp/content/d/${path}`);
      const perRequest = ((await blocks(site)) - before) / 20;
      assert.ok(perRequest <= 80, `${path}: ${perRequest} buffers`);
    }
  });
});

test("the server plans once per connection, whatever lies in the tables", async (t) => {
  const site = await createSite(t, { settings: { RESPONSE_CACHE_BYTES: 0 } });
  for (const [index, count] of [200, 20_000].entries()) {
    const { repo } = await site.rows.published(`d${index}`, [{ path: "f0", bytes: SMALL }]);
    await site.rows.manyUnits(repo, count, `r${index}/dir%1$s/file%2$s`);
  }
  const pkg = await site.rows.repository("pkg.pkg");
  await site.rows.version(pkg, 1, [{ path: "f0", bytes: SMALL }]);
  await site.rows.distribution("v", { type: "pkg.pkg", repository: pkg.id });
  for (let index = 0; index < 300; index += 1) await site.rows.distribution(`many/${index}`);
  await sql`vacuum analyze`.execute(site.ctx.db);
  const paths = ["d1/r1/dir7/file0000007", "d1/r1/dir7/none", "d0/none", "v/f0", "v/none", "many"];
  for (let round = 0; round < 200; round += 1)
    await site.get(`/pulp/content/${paths[round % paths.length]}`);

  const seen = await Promise.all(Array.from({ length: 8 }, () => plansOf(site)));

  const plans = seen.flat();
  assert.ok(plans.length > 0);
  for (const { name, generic_plans, custom_plans } of plans)
    assert.ok(custom_plans <= 5, `${name}: ${custom_plans} custom, ${generic_plans} generic`);
});

async function plansOf(site: Site) {
  const { rows } = await sql<{ name: string; generic_plans: number; custom_plans: number }>`
    select name, generic_plans, custom_plans, pg_sleep(0.1) from pg_prepared_statements
    where name like 'delivery-%'`.execute(site.ctx.db);
  return rows;
}

/** Blocks of tables and indexes that this database has touched. */
async function blocks(site: Site): Promise<number> {
  await sql`select pg_stat_force_next_flush()`.execute(site.ctx.db);
  await setTimeout(50);
  const { rows } = await sql<{ blocks: number }>`
    select (sum(heap_blks_hit + heap_blks_read) + sum(coalesce(idx_blks_hit + idx_blks_read, 0)))::int as blocks
    from pg_statio_user_tables`.execute(site.ctx.db);
  return rows[0]?.blocks ?? 0;
}

describe("a stored file that is not what its row says", () => {
  const damage = {
    missing: (file: string) => rm(file),
    truncated: (file: string) => truncate(file, 4),
  };
  for (const [kind, harm] of Object.entries(damage)) {
    for (const bytes of [SMALL, LARGE]) {
      test(`${kind}, ${bytes.length} bytes, without a remote`, async (t) => {
        const site = await createSite(t);
        await site.rows.published("d", [{ path: "f", bytes }]);
        await harm(fileOf(site, bytes));
        const answer = await site.get("/pulp/content/d/f");
        assert.equal(answer.status, 502);
        assert.equal(answer.body.toString(), "502: Bad Gateway");
      });
    }
  }

  test("truncated while its descriptor is kept: broken, then a clean error", async (t) => {
    const site = await createSite(t);
    await site.rows.published("d", [{ path: "f", bytes: LARGE }]);
    await site.get("/pulp/content/d/f");
    await truncate(fileOf(site, LARGE), 2_000_000);

    const broken = await site.get("/pulp/content/d/f");
    const after = await site.get("/pulp/content/d/f");

    assert.equal(broken.isBroken, true);
    assert.equal(after.status, 502);
  });
});

test("a large file that is asked for often comes back whole each time", async (t) => {
  const site = await createSite(t);
  const bytes = randomBytes(9_000_000);
  await site.rows.published("d", [{ path: "f", bytes }]);
  for (let round = 0; round < 5; round += 1) {
    const all = await Promise.all([site.get("/pulp/content/d/f"), site.get("/pulp/content/d/f")]);
    for (const { body } of all) assert.equal(Buffer.compare(body, bytes), 0);
    const part = await site.get("/pulp/content/d/f", { range: "bytes=1000000-7999999" });
    assert.equal(Buffer.compare(part.body, bytes.subarray(1_000_000, 8_000_000)), 0);
  }
  await truncate(fileOf(site, bytes), 5_000_000);
  assert.equal((await site.get("/pulp/content/d/f")).isBroken, true);
  assert.equal((await site.get("/pulp/content/d/f")).status, 502);
});

test("bytes of artifacts are counted by domain", async (t) => {
  const site = await createSite(t, { settings: { DOMAIN_ENABLED: true, METRICS_ENABLED: true } });
  await site.rows.published("d", [{ path: "f", bytes: SMALL }]);
  const counted: unknown[] = [];
  Object.assign(site.ctx.metrics, {
    count: (name: string, labels: Record<string, string>, by: number) => {
      if (name.startsWith("pulp_artifacts")) counted.push([labels.domain_name, by]);
    },
  });
  await site.get("/pulp/content/default/d/f");
  await site.get("/pulp/content/default/d/f", { range: "bytes=2-4" });
  await site.head("/pulp/content/default/d/f");
  assert.deepEqual(counted, [
    ["default", 10],
    ["default", 3],
  ]);
});

const fileOf = (site: Site, bytes: Buffer): string =>
  join(site.mediaRoot, objectName(site.domain, digestOf(bytes).toString("hex")));

test("look-ups that come together share statements, and each gets its own answer", async (t) => {
  const site = await createSite(t);
  const units = Array.from({ length: 20 }, (_, n) => ({ path: `dir${n}/f`, bytes: `bytes ${n}` }));
  await site.rows.published("d", units);
  await site.rows.published("e", [{ path: "dir3/f", bytes: "of e" }]);
  await site.get(`${CP}d/dir0/f`);
  await site.get(`${CP}e/`);
  site.statements.length = 0;
  const ask = async (path: string) => {
    const { status, body, headers } = await site.get(CP + path);
    return [status, status === 301 ? headers.location : body.toString()];
  };
  const numbers = units.map((_, n) => n).slice(1);
  const [files, directories, missing, other] = await Promise.all([
    Promise.all(numbers.map((n) => ask(`d/dir${n}/f`))),
    Promise.all(numbers.map((n) => ask(`d/dir${n}`))),
    Promise.all(numbers.map((n) => ask(`d/dir${n}/none`))),
    ask("e/dir3/f"),
  ]);
  assert.deepEqual(
    files,
    numbers.map((n) => [200, `bytes ${n}`]),
  );
  assert.deepEqual(
    directories,
    numbers.map((n) => [301, `${CP}d/dir${n}/`]),
  );
  assert.deepEqual([...new Set(missing.map(([status]) => status))], [404]);
  assert.deepEqual(other, [200, "of e"]);
  const asked = site.statements.filter((text) => text.includes("content_artifact")).length;
  assert.ok(asked > 0 && asked < 3 * numbers.length, `${asked} statements`);
});

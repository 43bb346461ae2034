import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { OpenFiles } from "#delivery/open-files.ts";
import { ResponseCache } from "#delivery/response-cache.ts";
import type { StoredObject } from "#platform/storage/storage.ts";
import { eventually } from "../support/eventually.ts";
import { createSite, type Site } from "./site.ts";

const CP = "/pulp/content/";
const text = async (site: Site, path: string) => (await site.get(CP + path)).body.toString();
const announced = { settings: { CACHE_ENABLED: true } };

/** A second version of the repository with other bytes at `f`, published. */
async function publishNext(
  site: Site,
  repo: Parameters<Site["rows"]["version"]>[0],
  bytes: string,
) {
  await site.ctx.db.updateTable("membership").set({ removed: 2 }).where("added", "=", 1).execute();
  const next = await site.rows.version(repo, 2, [{ path: "f", bytes }]);
  return site.rows.publication(next.id);
}

test("X-PULP-CACHE says MISS and HIT of what is cacheable, and only when caching is announced", async (t) => {
  const site = await createSite(t, announced);
  await site.rows.published("d", [{ path: "f", bytes: "1" }]);
  const mark = async (path: string, headers = {}) =>
    (await site.get(CP + path, headers)).headers["x-pulp-cache"];

  assert.deepEqual([await mark("d/f"), await mark("d/f")], ["MISS", "HIT"]);
  assert.deepEqual([await mark("d/"), await mark("d/")], ["MISS", "HIT"]);
  assert.deepEqual([await mark("d/none"), await mark("d/none")], [undefined, undefined]);
  assert.deepEqual([await mark("d"), await mark("")], [undefined, undefined]);
  assert.equal(await mark("d/f", { range: "bytes=0-0" }), "HIT");
  assert.equal(await mark("d/f", { "if-none-match": "*" }), "HIT");
  assert.equal((await site.head(`${CP}d/f`)).headers["x-pulp-cache"], "HIT");
});

test("a missing slash costs no statement the second time, until the directory has gone", async (t) => {
  const site = await createSite(t, announced);
  const { id, repo } = await site.rows.published("d", [{ path: "a/f", bytes: "1" }]);
  for (const path of ["/pulp/content", `${CP}d`, `${CP}d/a`]) {
    assert.equal((await site.get(path)).status, 301, path);
    await eventually(async () => {
      const { status, headers, statements } = await site.counted(path);
      assert.deepEqual([status, headers.location, statements], [301, `${path}/`, 0]);
      assert.equal(headers["x-pulp-cache"], undefined);
    });
  }
  await publishNext(site, repo, "two");
  await site.rows.changed(id);
  await eventually(async () => assert.equal((await site.get(`${CP}d/a`)).status, 404));
});

test("JSON and HTML listings, and their pages, are kept apart", async (t) => {
  const site = await createSite(t);
  await site.rows.published("d", [
    { path: "f", bytes: "1" },
    { path: "g", bytes: "1" },
  ]);
  const json = { accept: "application/json" };
  for (let round = 0; round < 2; round += 1) {
    assert.match(await text(site, "d/"), /Index of/);
    for (const offset of [0, 1]) {
      const page = await site.get(`${CP}d/?limit=1&offset=${offset}`, json);
      assert.equal(JSON.parse(page.body.toString()).offset, offset);
    }
  }
});

test("a change is seen within the poll, and at once after a notification", async (t) => {
  const site = await createSite(t);
  const { id, repo } = await site.rows.published("d", [{ path: "f", bytes: "one" }]);
  assert.equal(await text(site, "d/f"), "one");

  await publishNext(site, repo, "two");
  assert.equal(await text(site, "d/f"), "one");
  await site.rows.changed(id);
  await eventually(async () => assert.equal(await text(site, "d/f"), "two"), 2000);

  const since = performance.now();
  await site.ctx.db
    .updateTable("distribution")
    .set({ base_path: "e" })
    .where("id", "=", id)
    .execute();
  await site.rows.changed(id);
  site.ctx.notifier.notify("deckle_distribution", "changed");
  await eventually(async () => assert.equal((await site.get(`${CP}d/f`)).status, 404), 2000);
  assert.ok(performance.now() - since < 700, `${performance.now() - since} ms`);
  assert.equal(await text(site, "e/f"), "two");
});

test("a transaction that commits late is not missed", async (t) => {
  const site = await createSite(t);
  const { id, repo } = await site.rows.published("d", [{ path: "f", bytes: "one" }]);
  const other = await site.rows.published("o", [{ path: "f", bytes: "other" }]);
  const [begun, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const late = site.ctx.db.transaction().execute(async (trx) => {
    await site.rows.changed(id, trx);
    await trx.updateTable("distribution").set({ hidden: false }).where("id", "=", id).execute();
    begun.resolve();
    await finish.promise;
  });
  await begun.promise;
  assert.equal(await text(site, "d/f"), "one");
  for (let i = 0; i < 3; i += 1) {
    await site.rows.changed(other.id);
    assert.equal(await text(site, "o/f"), "other");
    await sleep(600);
  }
  await publishNext(site, repo, "two");
  assert.equal(await text(site, "d/f"), "one");

  finish.resolve();
  await late;

  await eventually(async () => assert.equal(await text(site, "d/f"), "two"), 2500);
});

test("an answer that was read before a change is not kept after it", async (t) => {
  let asked = 0;
  const gate = { reached: Promise.withResolvers<void>(), open: Promise.withResolvers<void>() };
  const site = await createSite(t, {
    handlers: [
      {
        type: "doc.doc",
        async resolve(_ctx, { path }) {
          if (path !== "slow") return undefined;
          asked += 1;
          gate.reached.resolve();
          await gate.open.promise;
          return { kind: "reply", status: 200, headers: {}, body: "old", isCacheable: true };
        },
      },
    ],
  });
  const { id } = await site.rows.published("d", [{ path: "f", bytes: "1" }]);
  await site.get(`${CP}d/f`);
  const slow = site.get(`${CP}d/slow`);
  await gate.reached.promise;
  await site.rows.changed(id);
  await eventually(async () => {
    const { statements } = await site.counted(`${CP}d/f`);
    assert.ok(statements > 0);
  });
  gate.open.resolve();
  assert.equal((await slow).body.toString(), "old");

  await site.get(`${CP}d/slow`);
  assert.equal(asked, 2);
  await site.get(`${CP}d/slow`);
  assert.equal(asked, 2);
});

test("a missing file is remembered for a second", async (t) => {
  const site = await createSite(t);
  const { publication } = await site.rows.published("d", [{ path: "f", bytes: "1" }]);
  assert.equal((await site.get(`${CP}d/new`)).status, 404);
  assert.equal((await site.counted(`${CP}d/new`)).statements, 0);
  const artifact = await site.rows.artifact("new");
  await site.ctx.db
    .insertInto("publication_path")
    .values({
      publication,
      domain: site.domain.num,
      relative_path: "new",
      artifact,
      content_artifact: null,
    })
    .execute();
  await sleep(1050);
  assert.equal(await text(site, "d/new"), "new");
});

test("an idle server with nothing kept asks the database nothing", async (t) => {
  const site = await createSite(t, { settings: { CACHE_SETTINGS: { EXPIRES_TTL: 2 } } });
  await site.rows.published("d", [{ path: "f", bytes: "1" }]);
  const polls = () =>
    site.statements.filter((statement) => statement.includes("left join distribution_event"));
  await sleep(1200);
  assert.equal(site.statements.filter((statement) => /select/i.test(statement)).length > 0, true);
  assert.equal(polls().length, 0);

  await site.get(`${CP}d/f`);
  await eventually(() => assert.ok(polls().length > 0));
  await sleep(3500);
  site.statements.length = 0;
  await sleep(2200);
  assert.deepEqual(site.statements, []);
});

test("without the database, cached answers go on and others are 503", async (t) => {
  const site = await createSite(t);
  await site.rows.published("d", [
    { path: "f", bytes: "1" },
    { path: "g", bytes: "2" },
  ]);
  await site.get(`${CP}d/f`);
  const isDown = { now: true };
  const { hot } = site.ctx;
  const query = hot.query.bind(hot);
  Object.assign(hot, {
    query: (...parameters: Parameters<typeof query>) =>
      isDown.now
        ? Promise.reject(Object.assign(new Error("connect refused"), { code: "ECONNREFUSED" }))
        : query(...parameters),
  });

  assert.equal(await text(site, "d/f"), "1");
  const cold = await site.get(`${CP}d/g`);
  assert.deepEqual([cold.status, cold.headers["retry-after"]], [503, "1"]);
  isDown.now = false;
  assert.equal(await text(site, "d/g"), "2");
});

test("guards are asked before the cache, redirects and conditions", async (t) => {
  const asked: string[] = [];
  const site = await createSite(t, {
    guards: [
      {
        type: "test.header",
        refusal: async (_ctx, guard, { headers, url }) => {
          asked.push(`${guard.type} ${url}`);
          return headers["x-pass"] === "yes" ? undefined : "Not for you.";
        },
      },
    ],
  });
  const { id } = await site.rows.published("d", [{ path: "f", bytes: "1" }]);
  const guard = await site.rows.guard("test.header");
  await site.ctx.db.updateTable("distribution").set({ guard }).where("id", "=", id).execute();
  const pass = { "x-pass": "yes" };
  for (let round = 0; round < 2; round += 1) {
    for (const path of ["d/f", "d", "d/", "d/none"]) {
      const refused = await site.get(`${CP}${path}?q=1`, { "if-none-match": "*" });
      assert.equal(refused.status, 403, path);
      assert.equal(refused.body.toString(), "403: Not for you.");
      assert.equal(refused.reason, "Not for you.");
      assert.notEqual((await site.get(CP + path, pass)).status, 403, path);
    }
  }
  assert.equal((await site.counted(`${CP}d/f`, pass)).statements, 0);
  assert.ok(asked.includes(`test.header ${CP}d/f?q=1`));
});

test("a guard of an unknown type refuses", async (t) => {
  const site = await createSite(t);
  const { id } = await site.rows.published("d", [{ path: "f", bytes: "1" }]);
  const guard = await site.rows.guard("unknown.kind");
  await site.ctx.db.updateTable("distribution").set({ guard }).where("id", "=", id).execute();
  for (let round = 0; round < 2; round += 1) assert.equal((await site.get(`${CP}d/f`)).status, 403);
});

test("the cache keeps its budget, in the order of use", () => {
  let now = 0;
  const cache = new ResponseCache({ budgetBytes: 10_000, ttlMs: 1000, now: () => now });
  const entry = (bytes: number) => {
    const body = { kind: "bytes", bytes: Buffer.alloc(bytes) } as const;
    const rest = { headers: [], validators: {}, hasRanges: false, sizeBytes: bytes, weight: bytes };
    return { match: null, answer: { status: 200, body, ...rest } };
  };
  for (const key of ["a", "b", "c"]) cache.set(key, entry(2000), cache.generation);
  assert.ok(cache.get("a"));
  cache.set("d", entry(2000), cache.generation);
  assert.deepEqual(
    ["a", "b", "c", "d"].map((key) => cache.get(key) !== undefined),
    [true, false, true, true],
  );
  assert.ok(cache.bytes <= 10_000);
  // All were used: the newest is kept nevertheless, and the oldest goes.
  cache.set("e", entry(2000), cache.generation);
  assert.ok(cache.get("e"));
  assert.equal(["a", "c", "d"].filter((key) => cache.get(key)).length, 2);
  assert.ok(cache.bytes <= 10_000);
  cache.set("huge", entry(20_000), cache.generation);
  assert.equal(cache.get("huge"), undefined);

  now = 1001;
  cache.sweep();
  assert.deepEqual([cache.isEmpty, cache.bytes], [true, 0]);
  const { generation } = cache;
  cache.invalidate("x");
  cache.set("late", entry(1), generation);
  assert.equal(cache.get("late"), undefined);
});

test("open files: bounded, shared, closed once nobody reads", async () => {
  const closed: string[] = [];
  let opened = 0;
  const files = new OpenFiles(2);
  const open = (name: string) => async () => {
    opened += 1;
    const object: Partial<StoredObject> = {
      sizeBytes: 1,
      [Symbol.asyncDispose]: async () => void closed.push(name),
    };
    return object as StoredObject;
  };
  const lease = (name: string) => files.lease(name, open(name));
  const [first, again] = await Promise.all([lease("a"), lease("a")]);
  assert.equal(opened, 1);
  for (const name of ["b", "c"]) (await lease(name))[Symbol.dispose]();
  await sleep(1);
  assert.deepEqual(closed, ["b"]);
  files.drop("a");
  first[Symbol.dispose]();
  await sleep(1);
  assert.deepEqual(closed, ["b"]);
  again[Symbol.dispose]();
  await sleep(1);
  assert.deepEqual(closed, ["b", "a"]);
  await assert.rejects(files.lease("x", () => Promise.reject(new Error("no"))));
  await files[Symbol.asyncDispose]();
  await sleep(1);
  assert.deepEqual([closed, files.count], [["b", "a", "c"], 0]);
});

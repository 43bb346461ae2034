import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { advisoriesOf } from "#core/vulnerabilities/advisories.ts";
import { vulnerabilityErrors } from "#core/vulnerabilities/errors.ts";
import type { PackageQuery } from "#core/vulnerabilities/types.ts";
import { createContext } from "../../support/context.ts";
import { type OsvOptions, osvServer, recordOf } from "../../support/osv.ts";

const pypi = (name: string, version = "1"): PackageQuery => ({ ecosystem: "PyPI", name, version });

async function createDatabase(t: TestContext, options: OsvOptions, settings: object = {}) {
  const osv = await osvServer(t, options);
  const { ctx } = await createContext(t, { settings: { OSV_API_URL: osv.url, ...settings } });
  const { signal } = new AbortController();
  const ask = (queries: readonly PackageQuery[], more: object = {}) =>
    advisoriesOf(ctx, queries, { signal, ...more });
  return { osv, ask };
}

test("advisories of releases come in batches, and each of them once", async (t) => {
  const advisories = { "PyPI/a/1": ["GHSA-1", "GHSA-2"], "PyPI/p1500/1": ["GHSA-2"] };
  const { osv, ask } = await createDatabase(t, { advisories });
  const many = Array.from({ length: 2000 }, (_, n) => pypi(`p${n}`));
  let answered = 0;
  const onAnswered = (count: number) => {
    answered += count;
  };

  const { ids, records } = await ask([pypi("a"), ...many], { onAnswered });

  assert.deepEqual(ids[0], ["GHSA-1", "GHSA-2"]);
  assert.deepEqual(ids[1501], ["GHSA-2"]);
  assert.equal(ids.filter((list) => list.length > 0).length, 2);
  assert.deepEqual([...records.keys()].sort(), ["GHSA-1", "GHSA-2"]);
  assert.deepEqual(records.get("GHSA-1"), recordOf("GHSA-1"));
  assert.equal(answered, 2001);
  assert.deepEqual(osv.asked.toSorted(), [
    "GET /v1/vulns/GHSA-1",
    "GET /v1/vulns/GHSA-2",
    ...Array(3).fill("POST /v1/querybatch"),
  ]);
});

test("a list that has pages is asked for to its end", async (t) => {
  const advisories = { "PyPI/a/1": ["I-1", "I-2", "I-3", "I-4", "I-5"], "PyPI/b/1": ["I-1"] };
  const { osv, ask } = await createDatabase(t, { advisories, pageSize: 2 });
  const { ids } = await ask([pypi("b"), pypi("a")]);
  assert.deepEqual(ids, [["I-1"], ["I-1", "I-2", "I-3", "I-4", "I-5"]]);
  assert.deepEqual(osv.queries, ["PyPI/b/1", "PyPI/a/1", "PyPI/a/1#2", "PyPI/a/1#3"]);
});

test("no more requests than the setting allows are under way", async (t) => {
  const ids = Array.from({ length: 30 }, (_, n) => `I-${n}`);
  const { osv, ask } = await createDatabase(
    t,
    {
      advisories: { "PyPI/a/1": ids },
      instead: (path) =>
        path.startsWith("/v1/vulns/")
          ? { afterMs: 20, body: recordOf(path.replace("/v1/vulns/", "")) }
          : undefined,
    },
    { VULN_REPORT_TASK_LIMITER: 3 },
  );
  assert.equal((await ask([pypi("a")])).records.size, 30);
  assert.equal(osv.mostAtOnce, 3);
});

test("a database that is busy is asked again", async (t) => {
  const { osv, ask } = await createDatabase(t, {
    advisories: { "PyPI/a/1": ["I-1"] },
    instead: (_path, asked) =>
      ({
        1: { status: 429, headers: { "retry-after": "1" } },
        2: { status: 503 },
        4: { status: 500 },
      })[asked],
  });
  const started = performance.now();
  const { records } = await ask([pypi("a")]);
  assert.deepEqual([...records.keys()], ["I-1"]);
  assert.equal(osv.asked.length, 5);
  assert.ok(performance.now() - started >= 500, "it is given time");
});

test("one that stays away, says no or is slow is named", async (t) => {
  const cases = [
    [{ status: 400, body: { code: 3 } }, 1],
    [{ status: 307, headers: { location: "/elsewhere" } }, 1],
    [{ status: 500 }, 5],
  ] as const;
  for (const [answer, requests] of cases) {
    const { osv, ask } = await createDatabase(t, { advisories: {}, instead: () => answer });
    await assert.rejects(ask([pypi("a")]), vulnerabilityErrors.unavailable.is);
    assert.equal(osv.asked.length, requests, `${answer.status}`);
  }
  const slow = { advisories: {}, instead: () => ({ afterMs: 60_000 }) };
  const { ask } = await createDatabase(t, slow, { OSV_API_TIMEOUT: 0.1 });
  await assert.rejects(ask([pypi("a")]), vulnerabilityErrors.unavailable.is);
});

test("answers of another shape are no reports without findings", async (t) => {
  const shapes = [
    { text: "<html>" },
    { body: [] },
    { body: {} },
    { body: { results: [] } },
    { body: { results: [7] } },
    { body: { results: [{ vulns: {} }] } },
    { body: { results: [{ vulns: [{ id: "../x" }] }] } },
    { body: { results: [{ vulns: [{}] }] } },
    // A list whose pages never end.
    { body: { results: [{ next_page_token: "x" }] } },
  ];
  for (const shape of shapes) {
    const { ask } = await createDatabase(t, { advisories: {}, instead: () => shape });
    await assert.rejects(ask([pypi("a")]), vulnerabilityErrors.malformed.is, JSON.stringify(shape));
  }
  for (const body of [7, { id: "I-2" }, {}]) {
    const { ask } = await createDatabase(t, {
      advisories: { "PyPI/a/1": ["I-1"] },
      instead: (path) => (path === "/v1/querybatch" ? undefined : { body }),
    });
    await assert.rejects(ask([pypi("a")]), vulnerabilityErrors.malformed.is, JSON.stringify(body));
  }
});

test("an advisory that was taken back meanwhile is none", async (t) => {
  const { ask } = await createDatabase(t, {
    advisories: { "PyPI/a/1": ["I-1", "I-2"] },
    instead: (path) => (path === "/v1/vulns/I-1" ? { status: 404 } : undefined),
  });
  const { ids, records } = await ask([pypi("a")]);
  assert.deepEqual([ids, [...records.keys()]], [[["I-1", "I-2"]], ["I-2"]]);
});

test("what would grow without end is refused", async (t) => {
  const advisories = { "PyPI/a/1": Array.from({ length: 20 }, (_, n) => `I-${n}`) };
  const small = await createDatabase(t, { advisories }, { OSV_REPORT_MAX_SIZE: 1024 });
  await assert.rejects(small.ask([pypi("a")]), vulnerabilityErrors.tooLarge.is);
  const few = await createDatabase(t, { advisories }, { OSV_MAX_RELEASES: 1 });
  await assert.rejects(few.ask([pypi("a"), pypi("b")]), vulnerabilityErrors.tooMany.is);
  assert.deepEqual(few.osv.asked, []);
});

test("a task that ends does not wait for the database", async (t) => {
  const { ask } = await createDatabase(t, { advisories: {}, instead: () => ({ status: 500 }) });
  const stop = new AbortController();
  const asked = ask([pypi("a")], { signal: stop.signal });
  setTimeout(() => stop.abort(new Error("over")), 50);
  const started = performance.now();
  await assert.rejects(asked, /over|abort/i);
  assert.ok(performance.now() - started < 2000);
});

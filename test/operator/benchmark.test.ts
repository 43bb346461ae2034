import assert from "node:assert/strict";
import { test } from "node:test";
import { Distribution } from "#operator/tasks/distribution.ts";
import { runOperator } from "./support/operator.ts";
import { standIn } from "./support/stand-in.ts";

test("percentiles of a million values are within 1 %, in little memory", () => {
  const times = new Distribution();
  for (let n = 1; n <= 1_000_000; n += 1) times.add(n / 1000);
  for (const share of [0.01, 0.5, 0.9, 0.99]) {
    const found = times.percentile(share);
    assert.ok(Math.abs(found / (share * 1000) - 1) <= 0.0101, `${share}: ${found}`);
  }
  assert.deepEqual([times.percentile(1), times.greatest, times.count], [1000, 1000, 1_000_000]);
  const bars = times.decades().map(([upTo, count]) => [upTo.toPrecision(1), count]);
  assert.deepEqual(bars.slice(-2), [
    ["1e+2", bars.at(-2)?.[1]],
    ["1e+3", bars.at(-1)?.[1]],
  ]);
  assert.ok(Math.abs(Number(bars.at(-1)?.[1]) - 900_000) < 9000, `${bars}`);
});

test("no values, and clocks that differ", () => {
  const times = new Distribution();
  assert.equal(times.percentile(0.5), 0);
  times.add(-3);
  assert.deepEqual([times.percentile(0.5), times.sum], [0, 0]);
});

test("tests of connections are watched until all are over, and one that fails ends with 1", async (t) => {
  const polls = new Map<string, number>();
  let last = "PASSED";
  const server = await standIn(t, ({ method, path }) => {
    if (path === "/api/pulp/rds-connection-tests/" && method === "GET") {
      return { json: { available_tests: ["one", "two"] } };
    }
    if (method === "POST") {
      const tasks = ["one", "two"].map((name) => ({
        ...{ test_name: name, task_id: name, task_href: `/pulp/default/api/v3/tasks/${name}/` },
      }));
      return { status: 202, json: { tasks } };
    }
    const [, name = ""] = /^\/api\/pulp\/default\/api\/v3\/tasks\/(\w+)\/$/.exec(path) ?? [];
    polls.set(name, (polls.get(name) ?? 0) + 1);
    if (polls.get(name) === 1) return { json: { state: "running" } };
    const status = name === "two" ? last : "PASSED";
    const result = { status, success: status === "PASSED", connection_pinned: true };
    return { json: { state: "completed", result } };
  });
  const run = () =>
    runOperator([
      ...["pulp_benchmark", "--api-root", `${server.url}/api/`, "--user", "a", "--password", "b"],
      ...["rds_connection_tests", "-d", "7", "--poll-interval", "0", "--run-sequentially"],
    ]);

  const good = await run();
  assert.equal(good.code, 0, good.err);
  assert.match(good.out, /^two +completed +PASSED +pinned: true$/m);
  const { body = "" } = server.asked.find(({ method }) => method === "POST") ?? {};
  assert.deepEqual(JSON.parse(body), {
    ...{ tests: ["one", "two"], duration_minutes: 7, run_sequentially: true },
  });
  last = "FAILED";
  polls.clear();
  const bad = await run();
  assert.equal(bad.code, 1);
  assert.match(bad.err, /^two: FAILED$/m);
});

test("requests that fail are told with their reasons", async (t) => {
  const server = await standIn(t, () => ({ status: 403, json: { detail: "Access denied." } }));
  const done = await runOperator([
    ...["pulp_benchmark", "--api-root", `${server.url}/api`, "--user", "a", "--password", "b"],
    ...["test_task_insertion", "--timeout", "1", "--max-workers", "2"],
  ]);
  assert.equal(done.code, 1);
  assert.match(done.out, /^tasks inserted: 0$/m);
  assert.match(
    done.err,
    /^2 requests failed: GET .* answered 403: \{"detail":"Access denied\."\}$/m,
  );
});

test("commands and flags that do not exist are refused", async () => {
  const refused = async (...words: readonly string[]) => {
    const { code, out, err } = await runOperator(["pulp_benchmark", ...words]);
    assert.equal(code, 1);
    return out + err;
  };
  assert.match(await refused("no_such_command"), /^ {2}task_analysis /m);
  assert.match(await refused("task_analysis", "--nope"), /Unknown option '--nope'/);
  assert.match(await refused("task_analysis", "--client", "both"), /must be async or sync/);
  assert.match(await refused("task_analysis", "--api-root", "host"), /must be an address like/);
  assert.match(
    await refused("test_task_insertion", "--max-workers", "0", "--api-root", "http://127.0.0.1:9"),
    /--max-workers 1 to 10000/,
  );
  assert.equal((await runOperator(["pulp_benchmark", "--help"])).code, 0);
});

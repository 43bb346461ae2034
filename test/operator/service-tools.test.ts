import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { wheel } from "../plugins/python/distributions.ts";
import { type Api, createApi } from "../support/api.ts";
import { withoutNeighbours } from "../support/founding-environment.ts";
import { type Server, startServer } from "../support/server.ts";
import { at, runOperator } from "./support/operator.ts";

const FILE_SYSTEM = "pulpcore.app.models.storage.FileSystem";
const ROOT = "/api/pulp/";

const stack = new AsyncDisposableStack();
const parts: { server?: Server } = {};
const server = (): Server => parts.server ?? assert.fail("the server is not started yet");
const api = (domain: string): Api => createApi(server(), `${ROOT}${domain}/api/v3/`);

before(async () => {
  parts.server = stack.use(
    await startServer({
      env: {
        ...withoutNeighbours(),
        PULP_ENABLED_PLUGINS: "['file', 'python', 'service']",
        PULP_TEST_TASK_INGESTION: "true",
        PULP_RDS_CONNECTION_TESTS_ENABLED: "true",
      },
    }),
  );
  await api("default").post("domains/", {
    ...{ name: "team", storage_class: FILE_SYSTEM, storage_settings: { location: "" } },
  });
});
after(() => stack.disposeAsync());

/** Flags of the benchmark, whose root of the API is an address. */
const bench = (): readonly string[] => {
  const [, , , , ...login] = at(server());
  return ["--api-root", `${server().apiUrl}/api`, ...login];
};

test("pulp_benchmark measures how fast tasks are taken", async () => {
  const run = (command: string, ...more: readonly string[]) =>
    runOperator(["pulp_benchmark", ...bench(), command, "--timeout", "1", ...more]);
  const plain = await run("test_task_insertion", "--max-workers", "3");
  assert.equal(plain.code, 0, plain.err);
  const inserted = Number(/^tasks inserted: (\d+)$/m.exec(plain.out)?.[1]);
  assert.ok(inserted >= 3, plain.out);
  assert.match(plain.out, /^tasks per second: \d+\.\d$/m);
  assert.match(plain.out, /^requests: 3, /m);
  const locked = await run(
    ...["test_task_random_exclusive_resource_insertion", "--max-workers", "2"],
    ...["--client", "sync", "--debug-requests"],
  );
  assert.equal(locked.code, 0, locked.err);
  assert.match(locked.err, /^GET http:.*\/test\/random_lock_tasks\/\?timeout=1 → 200 in \d+ ms$/m);
  const again = await run("test_task_insertion", "--max-workers", "1", "--run-until", "3 seconds");
  assert.ok(Number(/^requests: (\d+), /m.exec(again.out)?.[1]) >= 2, again.out);
  await cancelWaiting();
});

/**
 * A fast machine has taken more tasks than it can run while the other tests wait for theirs. Some end
 * while they are canceled (409).
 */
async function cancelWaiting(): Promise<void> {
  const { get, patch } = api("default");
  for (;;) {
    const { results } = await get("tasks/?state=waiting&limit=100&fields=pulp_href");
    if (results.length === 0) return;
    for (const { pulp_href } of results)
      await patch(pulp_href, { state: "canceled" }).catch((error: { status?: number }) => {
        if (error.status !== 409) throw error;
      });
  }
}

test("task_analysis and tasks-cli tell of tasks of all domains", async () => {
  const noOp = "pulp_service.app.tasks.util.no_op_task";
  const analysed = await runOperator([
    "pulp_benchmark",
    "task_analysis",
    ...bench(),
    "--task-name",
    noOp,
  ]);
  assert.equal(analysed.code, 0, analysed.err);
  const [heading = "", own = "", all = ""] = analysed.out.split("\n");
  assert.match(
    heading,
    /^task +count +states +wait p50 +wait p90 +wait p95 +wait p99 +wait max +run p50/,
  );
  assert.match(own, new RegExp(`^${noOp} +[1-9]\\d* .*=`));
  assert.match(all, /^all +[1-9]/);
  const told = await runOperator(["tasks-cli", "--since", "2 hours ago", ...at(server(), ROOT)]);
  assert.equal(told.code, 0, told.err);
  assert.match(told.out, /^tasks created by hour \(UTC\):\n {2}\d{4}-\d\d-\d\dT\d\d {2}█+ \d+$/m);
  assert.match(told.out, /^tasks by the time that they waited:\n {2}≤ /m);
  const none = await runOperator([
    "tasks-cli",
    "--until",
    "300 weeks ago",
    "--since",
    "301 weeks ago",
    ...at(server(), ROOT),
  ]);
  assert.deepEqual([none.code, none.out], [0, ""]);
});

test("pulp_benchmark starts tests of connections", async () => {
  const run = (...words: readonly string[]) =>
    runOperator(["pulp_benchmark", ...bench(), "rds_connection_tests", ...words]);
  const started = await run("-t", "test_1_idle_connection", "-d", "1", "--no-monitor");
  assert.equal(started.code, 0, started.err);
  const [, task] = /^test_1_idle_connection: task ([\da-f-]{36})$/m.exec(started.out) ?? [];
  await api("default").patch(`tasks/${task}/`, { state: "canceled" });
  const wrong = await run("-t", "test_9", "-d", "1");
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /Invalid test names: \['test_9'\]/);
  const long = await run("-t", "test_2_active_heartbeat", "-d", "301");
  assert.match(long.err, /duration_minutes must be an integer between 1 and 300/);
});

test("pulp_benchmark finds commands in a folder", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "deckle-benchmark-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(
    join(folder, "count.mjs"),
    `export const command = {
      name: "count_domains", summary: "Counts.", options: { more: { type: "string" } },
      async run({ client, apiPath, flags, terminal }) {
        const { count } = await client.page(apiPath + "/pulp/default/api/v3/domains/");
        terminal.print(count + " " + flags.text.more);
        return 7;
      },
    };`,
  );
  const words = ["pulp_benchmark", "--plugin-dir", folder, ...bench()];
  const done = await runOperator([...words, "count_domains", "--more", "x"]);
  assert.deepEqual([done.code, done.out], [7, "2 x\n"], done.err);
  assert.match((await runOperator([...words, "--help"])).out, /^ {2}count_domains +Counts\.$/m);
  await writeFile(join(folder, "wrong.mjs"), "export const other = 1;");
  const wrong = await runOperator([...words, "count_domains"]);
  assert.match(wrong.err, /wrong\.mjs cannot be used: it exports no `command`/);
});

test("yank monitors are made once for each repository, and missing ones are found", async () => {
  const inside = api("team");
  await inside.post("repositories/python/python/", { name: "one" });
  const { pulp_href: repository } = await inside.post("repositories/python/python/", {
    name: "two",
  });
  await inside.post("pypi_yank_monitor/", { name: "by hand", repository });
  await inside.post("repositories/python/python/", { name: "three" });
  const run = (...words: readonly string[]) =>
    runOperator(["configure-yank-monitors", "--domain", "team", ...words, ...at(server(), ROOT)]);

  const verified = await run("--verify");
  assert.equal(verified.code, 1, verified.err);
  assert.deepEqual(verified.out.trim().split("\n").sort(), [
    "team/one is not watched",
    "team/three is not watched",
  ]);
  const dry = await run("--dry-run", "--repository", "one");
  assert.deepEqual([dry.code, dry.out], [0, "would make yank-monitor-one in team\n"]);
  const made = await run();
  assert.equal(made.code, 0, made.err);
  assert.match(made.out, /^made yank-monitor-one in team$/m);
  assert.deepEqual(
    [(await run("--verify")).code, (await run()).out],
    [0, "Every repository of team that was asked about is watched.\n"],
  );
  const { pulp_href: four } = await inside.post("repositories/python/python/", { name: "four" });
  await inside.post("pypi_yank_monitor/", {
    ...{ name: "yank-monitor-four", repository_version: `${four}versions/0/` },
  });
  const taken = await run();
  assert.deepEqual(
    [taken.code, taken.out, taken.err],
    [1, "", "yank-monitor-four in team watches something else\n"],
  );
  const unknown = await run("--repository", "five");
  assert.match(unknown.err, /There is no Python repository five in team\.$/m);
  const both = await run("--verify", "--dry-run");
  assert.match(both.err, /--verify exclude each other|exclude each other/);
});

test("metadata of a Python index are repaired and verified", async () => {
  const inside = api("team");
  const { results } = await inside.get("repositories/python/python/?name=one");
  const repository = results[0].pulp_href;
  for (const version of ["1.0", "2.0"]) {
    const { filename, bytes } = wheel({ name: "shelf-reader", version });
    const form = new FormData();
    form.set("repository", repository);
    form.set("relative_path", filename);
    form.set("file", new Blob([new Uint8Array(bytes)]), filename);
    await inside.done(await inside.post("content/python/packages/", form));
  }
  await inside.done(
    await inside.post("distributions/python/pypi/", { name: "idx", base_path: "idx", repository }),
  );
  const run = (tool: string, ...words: readonly string[]) =>
    runOperator([tool, "--domain", "team", ...words, ...at(server(), ROOT)]);

  const verified = await run("verify-python-metadata", "--thorough");
  assert.deepEqual(
    [verified.out, verified.err, verified.code],
    ["2 wheels, 2 downloads, 0 problems\n", "", 0],
  );
  const dry = await run("repair-python-metadata", "--dry-run");
  assert.match(dry.out, /^would repair team\/one$/m);
  const repaired = await run("repair-python-metadata");
  assert.equal(repaired.code, 0, repaired.err);
  assert.equal(repaired.out, "4 repositories repaired, 0 failed\n");
});

import assert from "node:assert/strict";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createFileUpstream, type FileUpstream } from "../support/file-upstream.ts";
import { blackBox } from "./support/black-box.ts";

let upstream: FileUpstream;
const box = blackBox({}, async ({ pulp }, stack) => {
  upstream = stack.use(await createFileUpstream(3));
  await pulp.json("file", "remote", "create", "--name", "m", "--url", upstream.manifestUrl);
  await pulp.json("file", "repository", "create", "--name", "r", "--remote", "m");
  await pulp.json("file", "repository", "sync", "--name", "r");
});

test("status tells versions, workers and databases", async () => {
  const status = await box.pulp.json("status");
  assert.ok(status.versions.some((each: { component: string }) => each.component === "file"));
  assert.equal(status.database_connection.connected, true);
  assert.ok(status.online_workers.length > 0);
});

test("tasks are listed by every filter, shown and waited for", async () => {
  const { pulp } = box;
  const cid = randomUUID();
  await pulp.json("--cid", cid, "file", "repository", "sync", "--name", "r");
  const [task] = await pulp.json("task", "list", "--cid", cid);
  assert.match(task.name, /synchronize/);
  const repository = await pulp.json("file", "repository", "show", "--name", "r");
  const filters = [
    ["--state", "completed"],
    ["--state-in", "completed", "--state-in", "failed"],
    ["--name", task.name],
    ["--name-contains", "file"],
    ["--reserved-resource", repository.pulp_href],
    ["--exclusive-resource", repository.pulp_href],
    ["--started-before", "2100-01-01"],
    ["--finished-after", "2020-01-01"],
  ];
  for (const filter of filters) {
    const found = await pulp.json("task", "list", "--limit", "500", ...filter);
    const hrefs = found.map((each: { pulp_href: string }) => each.pulp_href);
    assert.ok(hrefs.includes(task.pulp_href), filter.join(" "));
  }
  assert.deepEqual(await pulp.json("task", "list", "--state", "running", "--limit", "10"), []);
  const none = await pulp.json("task", "list", "--parent-task", task.pulp_href);
  assert.deepEqual(none, []);
  const uuid = task.pulp_href.split("/").at(-2);
  const shown = await pulp.json("task", "show", "--uuid", uuid, "--wait");
  assert.equal(shown.state, "completed");
  const version = `${repository.pulp_href}versions/1/`;
  const made = await pulp.json("task", "list", "--created-resource", version);
  assert.equal(made.length, 1);
  const summary = await pulp.json("task", "summary");
  assert.ok(summary.completed >= 2);
});

test("a sync in the background is cancelled, with all others", async () => {
  const { pulp } = box;
  // An address that accepts and never answers keeps the task running.
  const { createServer } = await import("node:net");
  const silent = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => silent.once("listening", resolve));
  const { port } = silent.address() as { port: number };
  try {
    const url = `http://127.0.0.1:${port}/PULP_MANIFEST`;
    await pulp.json("file", "remote", "create", "--name", "silent", "--url", url);
    const sync = [
      "--background",
      "file",
      "repository",
      "sync",
      "--name",
      "r",
      "--remote",
      "silent",
    ];
    const first = await pulp.run(...sync);
    await pulp.run(...sync);
    const href = /\/\S*\/tasks\/[\w-]+\//.exec(first.stderr)?.[0] ?? "";
    await pulp.run("task", "cancel", "--href", href);
    const [cancelled] = await pulp.json("task", "list", "--state", "canceled");
    assert.equal(cancelled.pulp_href, href);
    await pulp.run("task", "cancel", "--all");
    const open = await pulp.json("task", "list", "--state-in", "running", "--state-in", "waiting");
    assert.deepEqual(open, []);
  } finally {
    silent.close();
  }
});

test("tasks are purged by date and state", async () => {
  const purge = ["task", "purge", "--finished-before", "2000-01-01"];
  const kept = await box.pulp.json(...purge, "--state", "completed", "--state", "failed");
  assert.equal(kept?.state ?? "completed", "completed");
  const before_ = await box.pulp.json("task", "list", "--state", "canceled");
  assert.ok(before_.length >= 2);
  await box.pulp.json("task", "purge", "--finished-before", "2100-01-01", "--state", "canceled");
  assert.deepEqual(await box.pulp.json("task", "list", "--state", "canceled"), []);
});

test("diagnostics of a task are offered for download", async () => {
  const { pulp } = box;
  await pulp.json(
    ...["--header", "X-Task-Diagnostics:memory", "file", "repository", "sync", "--name", "r"],
  );
  const [task] = await pulp.json("task", "list", "--limit", "1", "--name-contains", "synchronize");
  const outcome = await pulp.run("task", "profile-artifact-urls", "--href", task.pulp_href);
  assert.equal(outcome.status, 0, outcome.stderr);
});

test("a group of tasks is listed and waited for", async () => {
  const { pulp, api } = box;
  const remote = await pulp.json(
    ...["file", "remote", "create", "--name", "acs", "--url", `${upstream.url}/`],
    ...["--policy", "on_demand"],
  );
  const acs = await api.post("acs/file/file/", {
    name: "a",
    remote: remote.pulp_href,
    paths: ["PULP_MANIFEST"],
  });
  const { task_group: href } = await api.post(`${acs.pulp_href}refresh/`);
  const waited = await pulp.run("task-group", "show", "--href", href, "--wait");
  assert.equal(waited.status, 0, waited.stderr);
  const group = await pulp.json("task-group", "show", "--href", href);
  assert.equal(group.completed, 1);
  assert.ok((await pulp.json("task-group", "list")).length >= 1);
});

test("artifacts are uploaded whole and in chunks, found and shown", async () => {
  const { pulp } = box;
  const content = randomBytes(2_200_000);
  const path = join(pulp.folder, "artifact");
  await writeFile(path, content);
  const sha256 = createHash("sha256").update(content).digest("hex");
  const made = await pulp.json("artifact", "upload", "--file", path, "--chunk-size", "1MB");
  assert.equal(made.sha256, sha256);
  const again = await pulp.json("artifact", "upload", "--file", path);
  assert.equal(again.pulp_href, made.pulp_href);
  const [found] = await pulp.json("artifact", "list", "--sha256", sha256);
  assert.equal(found.size, content.length);
  assert.equal((await pulp.json("artifact", "show", "--href", made.pulp_href)).sha256, sha256);
});

test("uploads are listed, shown and destroyed", async () => {
  const { pulp, api } = box;
  const { pulp_href: href } = await api.post("uploads/", { size: 10 });
  assert.ok(
    (await pulp.json("upload", "list")).some(
      (each: { pulp_href: string }) => each.pulp_href === href,
    ),
  );
  assert.equal((await pulp.json("upload", "show", "--href", href)).size, 10);
  await pulp.json("upload", "destroy", "--href", href);
  assert.deepEqual(await pulp.json("upload", "list"), []);
});

test("content, repositories and versions are listed over all types", async () => {
  const { pulp } = box;
  assert.equal((await pulp.json("content", "list", "--limit", "2")).length, 2);
  const listed = await pulp.json("repository", "list", "--name-contains", "r");
  assert.deepEqual(
    listed.map((each: { name: string }) => each.name),
    ["r"],
  );
  const [unit] = await pulp.json("file", "content", "list", "--limit", "1");
  const versions = await pulp.json(
    ...["repository", "version", "list", "--content", JSON.stringify([unit.pulp_href])],
  );
  assert.deepEqual(
    versions.map((each: { number: number }) => each.number),
    [1],
  );
});

test("space is reclaimed but for a kept version", async () => {
  const repository = ["--repository", "file:file:r"];
  const task = await box.pulp.json(
    ...["repository", "reclaim", ...repository, "--keep-version", "file:file:r", "1"],
  );
  assert.equal(task?.state ?? "completed", "completed");
});

test("orphans are cleaned, all and by href", async () => {
  const { pulp } = box;
  const path = join(pulp.folder, "orphan");
  await writeFile(path, randomBytes(100));
  const upload = ["file", "content", "upload", "--file", path, "--relative-path"];
  const { pulp_href: href } = await pulp.json(...upload, "orphan");
  const cleanup = ["orphan", "cleanup", "--protection-time", "0"];
  await pulp.json(...cleanup, "--content-hrefs", JSON.stringify([href]));
  assert.deepEqual(await pulp.json("file", "content", "list", "--relative-path", "orphan"), []);
  const cleaned = await pulp.json(...cleanup);
  assert.equal(cleaned.state, "completed");
  assert.equal((await pulp.json("content", "list")).length, 3);
});

test("workers are listed and shown", async () => {
  const [worker] = await box.pulp.json("worker", "list", "--limit", "1");
  assert.equal(
    (await box.pulp.json("worker", "show", "--href", worker.pulp_href)).name,
    worker.name,
  );
});

test("anything is shown by href and by PRN", async () => {
  const repository = await box.pulp.json("file", "repository", "show", "--name", "r");
  assert.deepEqual(await box.pulp.json("show", "--href", repository.pulp_href), repository);
  assert.deepEqual(await box.pulp.json("show", "--prn", repository.prn), repository);
});

test("the API description is read by operation, schema and whole", async () => {
  const { pulp } = box;
  const ids = await pulp.json("debug", "openapi", "operation-ids");
  assert.ok(ids.includes("repositories_file_file_sync"));
  const spec = await pulp.json("debug", "openapi", "spec");
  assert.match(spec.openapi, /^3\./);
  const schema = await pulp.json("debug", "openapi", "schema", "--name", "RepositorySyncURL");
  assert.ok(schema.properties.remote);
  const operation = await pulp.json("debug", "openapi", "operation", "--id", "status_read");
  assert.ok(operation);
  const has = ["debug", "has-plugin", "--name", "core", "--specifier"];
  assert.equal((await pulp.run(...has, ">=3.86")).status, 0);
  assert.notEqual((await pulp.run(...has, ">=99")).status, 0);
});

test("users are listed", async () => {
  const users = await box.pulp.json("user", "list");
  assert.deepEqual(
    users.map((each: { username: string }) => each.username),
    ["admin"],
  );
});

test("a wrong password is told", async () => {
  const said = await box.pulp.fails("--password", "wrong", "file", "repository", "list");
  assert.match(said, /Unauthorized|401|Authentication|Invalid username/);
});

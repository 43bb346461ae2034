import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Answer } from "../support/api.ts";
import { createFileUpstream, type FileUpstream } from "../support/file-upstream.ts";
import { blackBox } from "./support/black-box.ts";
import { command } from "./support/download.ts";

const FILE_SYSTEM = "pulpcore.app.models.storage.FileSystem";
let upstream: FileUpstream;

const box = blackBox({ env: { PULP_DOMAIN_ENABLED: "true" } }, async ({ pulp }, stack) => {
  upstream = stack.use(await createFileUpstream(4));
  await writeFile(join(pulp.folder, "f"), "of red");
});

const domain = (...args: readonly string[]) => box.pulp.json("domain", ...args);
const red = (...args: readonly string[]) => box.pulp.json("--domain", "red", ...args);
const names = (objects: readonly { readonly name: string }[]) => objects.map(({ name }) => name);

const createDomain = (name: string, settings: object, ...more: readonly string[]) =>
  domain(
    ...["create", "--name", name, "--storage-class", FILE_SYSTEM],
    ...["--storage-settings", JSON.stringify(settings), ...more],
  );

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

async function download(path: string) {
  const url = `${box.server.contentUrl}/pulp/content/${path}`;
  const { stdout } = await command("curl", ["-sS", "-w", "\n%{http_code}", url]);
  const end = stdout.lastIndexOf("\n");
  return { status: Number(stdout.slice(end)), body: stdout.slice(0, end) };
}

test("domains are made, listed, shown and changed", async () => {
  const made = await createDomain("red", { MEDIA_ROOT: "" }, "--description", "first");
  assert.match(made.pulp_href, /^\/pulp\/default\/api\/v3\/domains\//);
  assert.equal(made.storage_settings.location, "");
  assert.deepEqual(names(await domain("list", "--ordering", "name")), ["default", "red"]);

  await domain("update", "--name", "red", "--description", "changed", "--hide-distributions");
  const shown = await domain("show", "--name", "red");
  assert.deepEqual([shown.description, shown.hide_guarded_distributions], ["changed", true]);
  const options = ["--name", "default", "--description", "x"];
  assert.match(
    await box.pulp.fails("domain", "update", ...options),
    /Default domain can not be updated\./,
  );
  assert.match(await box.pulp.fails("--domain", "green", "task", "list"), /404|Not Found/);
});

test("a file goes through a domain: upload, publish, distribute, download", async () => {
  const repository = ["--name", "r", "--autopublish"];
  const made = await red("file", "repository", "create", ...repository);
  assert.match(made.pulp_href, /^\/pulp\/red\/api\/v3\/repositories\/file\/file\//);
  assert.deepEqual(names(await red("file", "repository", "list")), ["r"]);
  assert.deepEqual(await box.pulp.json("file", "repository", "list"), []);
  const upload = ["--file", "f", "--relative-path", "a/f", "--repository", "r"];
  await red("file", "content", "upload", ...upload);
  const distribution = ["--name", "d", "--base-path", "d", "--repository", "r"];
  const distributed = await red("file", "distribution", "create", ...distribution);

  assert.ok(distributed.base_url.endsWith("/pulp/content/red/d/"), distributed.base_url);
  assert.deepEqual(await download("red/d/a/f"), { status: 200, body: "of red" });
  assert.equal((await download("default/d/a/f")).status, 404);
  assert.equal((await download("d/a/f")).status, 404);
});

test("a repository is synchronised from a remote of its domain", async () => {
  const remote = ["--name", "m", "--url", upstream.manifestUrl];
  await red("file", "remote", "create", ...remote);
  await red("file", "repository", "create", "--name", "mirror", "--remote", "m", "--autopublish");
  await red("file", "repository", "sync", "--repository", "mirror");
  const distribution = ["--name", "m", "--base-path", "m", "--repository", "mirror"];
  await red("file", "distribution", "create", ...distribution);

  const [file] = upstream.files;
  const { status, body } = await download("red/m/PULP_MANIFEST");
  assert.deepEqual([status, body.includes(file?.path ?? "?")], [200, true]);
  const tasks: Answer = await red("task", "list", "--name-contains", "synchronize");
  assert.equal(tasks.length, 1);
  assert.deepEqual(await box.pulp.json("task", "list", "--name-contains", "synchronize"), []);
});

test("same names in two domains; nothing crosses; a domain goes when it is empty", async () => {
  const root = join(box.server.home, "blue media");
  await createDomain("blue", { location: root });
  const blue = (...args: readonly string[]) => box.pulp.json("--domain", "blue", ...args);
  await blue("file", "repository", "create", "--name", "r", "--autopublish");
  const upload = ["--file", "f", "--relative-path", "a/f", "--repository", "r"];
  await blue("file", "content", "upload", ...upload);
  assert.equal((await filesBelow(root)).length, 2, "the file and its manifest");

  const remote = await red("file", "remote", "show", "--name", "m");
  const crossed = await box.api.request("POST", "/pulp/blue/api/v3/repositories/file/file/", {
    body: JSON.stringify({ name: "x", remote: remote.pulp_href }),
    headers: { "content-type": "application/json" },
  });
  assert.equal(crossed.status, 400);
  assert.deepEqual(await crossed.json(), {
    non_field_errors: ["Objects must all be a part of the blue domain."],
  });

  const blocked = await box.pulp.fails("domain", "destroy", "--name", "blue");
  assert.match(blocked, /\[PLP0007\] You cannot delete a domain that still contains repositories/);
  await blue("file", "repository", "destroy", "--name", "r");
  await domain("destroy", "--name", "blue");
  assert.deepEqual(names(await domain("list", "--ordering", "name")), ["default", "red"]);
  assert.deepEqual(await filesBelow(root), []);
});

test("a domain moves to another root while its files stay readable", async () => {
  const { api } = box;
  const root = join(box.server.home, "moved");
  const answer = await api.post("/pulp/red/api/v3/domains/migrate/", {
    storage_class: FILE_SYSTEM,
    storage_settings: { MEDIA_ROOT: root },
  });
  assert.match(answer.task, /^\/pulp\/red\/api\/v3\/tasks\//);
  const task = await api.done(answer);

  const codes = task.progress_reports.map(({ code, state }: Answer) => [code, state]);
  assert.deepEqual(codes, [
    ["migrate", "completed"],
    ["update", "completed"],
  ]);
  assert.equal((await domain("show", "--name", "red")).storage_settings.location, root);
  assert.deepEqual(await download("red/d/a/f"), { status: 200, body: "of red" });
  assert.ok((await filesBelow(root)).length > 0);
});

import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type TestContext, test } from "node:test";
import { formOf, type TestApi } from "../../support/rest-api.ts";
import { endedTask } from "../../support/run-tasks.ts";
import { imageOf } from "./images.ts";
import { createContainerApi, idOf, latestMembers, made, REPOSITORIES } from "./support.ts";

/** Puts a program in place of the builder: what it is called with goes to a file. */
async function createBuilder(t: TestContext, script: string) {
  const folder = await mkdtemp(join(tmpdir(), "deckle-builder-"));
  const { PATH = "" } = process.env;
  const program = join(folder, "buildah");
  await writeFile(program, `#!${process.execPath}\n${script}`);
  await chmod(program, 0o700);
  process.env.PATH = `${folder}${delimiter}${PATH}`;
  t.after(async () => {
    process.env.PATH = PATH;
    await rm(folder, { recursive: true, force: true });
  });
}

/** Exports an image whose one layer is the Containerfile and the names of the files beside it. */
const EXPORTER = `
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const words = process.argv.slice(2);
const root = words[words.indexOf("--root") + 1];
if (words.includes("build")) {
  const file = words[words.indexOf("--file") + 1];
  fs.writeFileSync(root + ".layer", fs.readFileSync(file, "utf8") + fs.readdirSync(words.at(-1)));
} else {
  const layout = words.at(-1).split(":")[1];
  fs.mkdirSync(layout + "/blobs/sha256", { recursive: true });
  const put = (mediaType, text) => {
    const hex = createHash("sha256").update(text).digest("hex");
    fs.writeFileSync(layout + "/blobs/sha256/" + hex, text);
    return { mediaType, digest: "sha256:" + hex, size: Buffer.byteLength(text) };
  };
  const oci = "application/vnd.oci.image.";
  const config = put(oci + "config.v1+json", JSON.stringify({ architecture: "amd64", os: "linux" }));
  const layer = put(oci + "layer.v1.tar+gzip", fs.readFileSync(root + ".layer", "utf8"));
  const manifest = { schemaVersion: 2, mediaType: oci + "manifest.v1+json", config, layers: [layer] };
  const entry = put(manifest.mediaType, JSON.stringify(manifest));
  const index = { schemaVersion: 2, manifests: [entry] };
  fs.writeFileSync(layout + "/index.json", JSON.stringify(index));
}`;

async function createWorld(t: TestContext) {
  const api = await createContainerApi(t);
  const repository = await made(api, REPOSITORIES, { name: "r" });
  const upload = formOf({ relative_path: "Containerfile" }, [{ name: "file", bytes: "FROM x\n" }]);
  const unit = await api.request("POST", "content/file/files/upload/", upload);
  assert.equal(unit.status, 201, unit.text);
  const files = await made(api, "repositories/file/file/", { name: "files" });
  await endedTask(
    api,
    await api.post(`${files.pulp_href}modify/`, { add_content_units: [unit.body.pulp_href] }),
  );
  return { api, repository, context: `${files.pulp_href}versions/1/` };
}

const build = (api: TestApi, repository: string, fields: Record<string, string>, file?: string) =>
  api.request(
    "POST",
    `${repository}build_image/`,
    formOf(fields, file === undefined ? [] : [{ name: "containerfile", bytes: file }]),
  );

test("an image is built of files of a repository", async (t) => {
  await createBuilder(t, EXPORTER);
  const { api, repository, context } = await createWorld(t);
  const fields = { containerfile_name: "Containerfile", build_context: context, tag: "built" };

  const task = await endedTask(api, await build(api, repository.pulp_href, fields));

  assert.equal(task.state, "completed", JSON.stringify(task.error));
  const { result } = task as unknown as { result: { pulp_href: string } };
  assert.equal(result.pulp_href, `${repository.versions_href}1/`);
  const members = await latestMembers(api.ctx, idOf(repository.pulp_href));
  assert.equal(members.length, 4);
  assert.ok(members.some((text) => text.startsWith("built → ")));
  const { body } = await api.get("content/container/manifests/");
  assert.equal(body.results[0].architecture, "amd64");
  const layer = imageOf({ layers: ["FROM x\nContainerfile"] }).facts.references[1]?.digest;
  assert.ok(layer && members.includes(layer), "the Containerfile and its context were there");
});

test("a Containerfile that is sent along is built without a context", async (t) => {
  await createBuilder(t, EXPORTER);
  const { api, repository } = await createWorld(t);

  const task = await endedTask(api, await build(api, repository.pulp_href, {}, "FROM y\n"));

  assert.equal(task.state, "completed", JSON.stringify(task.error));
  const members = await latestMembers(api.ctx, idOf(repository.pulp_href));
  assert.ok(members.some((text) => text.startsWith("latest → ")));
});

test("a build that fails says what the builder said, under its code", async (t) => {
  await createBuilder(t, 'process.stderr.write("no such base image"); process.exit(1);');
  const { api, repository } = await createWorld(t);

  const task = await endedTask(api, await build(api, repository.pulp_href, {}, "FROM y\n"));

  assert.equal(task.state, "failed");
  assert.partialDeepStrictEqual(task.error, {
    error_code: "CON0001",
    description: "no such base image",
  });
  assert.deepEqual(await latestMembers(api.ctx, idOf(repository.pulp_href)), []);
});

test("without a builder the task fails with the same code", async (t) => {
  const { PATH } = process.env;
  process.env.PATH = "/nowhere";
  t.after(() => {
    process.env.PATH = PATH;
  });
  const { api, repository } = await createWorld(t);

  const task = await endedTask(api, await build(api, repository.pulp_href, {}, "FROM y\n"));

  assert.partialDeepStrictEqual(task.error, { error_code: "CON0001" });
});

test("an image is built only of files that one may see", async (t) => {
  const { api, repository, context } = await createWorld(t);
  const user = "bob:correct horse";
  const bob = await made(api, "users/", { username: "bob", password: "correct horse" });
  const give = async (role: string, object: string) => {
    const json = { role, content_object: object };
    const answer = await api.post(`${bob.pulp_href}roles/`, json);
    assert.equal(answer.status, 201, answer.text);
  };
  await give("container.containerrepository_owner", repository.pulp_href);
  const ask = async () => {
    const form = formOf({ containerfile_name: "absent", build_context: context });
    const path = `${repository.pulp_href}build_image/`;
    return (await api.request("POST", path, { ...form, user })).status;
  };

  assert.equal(await ask(), 403);
  await give("file.filerepository_viewer", context.replace(/versions.*/, ""));

  assert.equal(await ask(), 400, "only the Containerfile is missing now");
});

test("what is asked for is checked before there is a task", async (t) => {
  const { api, repository, context } = await createWorld(t);
  const cases: readonly [Record<string, string>, string | undefined, RegExp][] = [
    [{}, undefined, /Exactly one of/],
    [{ containerfile_name: "a" }, "FROM x", /Exactly one of/],
    [{ containerfile_name: "a" }, undefined, /'build_context' must be specified/],
    [{ containerfile_name: "a", build_context: context }, undefined, /Could not find the Contain/],
    [{ containerfile_name: "../a", build_context: context }, undefined, /Could not find/],
    [{ tag: "-x" }, "FROM x", /not valid/],
    [{ build_context: `${repository.versions_href}0/` }, "FROM x", /Incorrect URL match/],
  ];
  for (const [fields, file, message] of cases) {
    const answer = await build(api, repository.pulp_href, fields, file);
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.text, message);
  }
  assert.equal(
    (await api.get("tasks/?name=pulp_container.app.tasks.builder.build_image")).body.count,
    0,
  );
});

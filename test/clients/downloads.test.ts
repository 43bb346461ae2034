import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createFileUpstream, type FileUpstream } from "../support/file-upstream.ts";
import { blackBox } from "./support/black-box.ts";
import { command, head } from "./support/download.ts";

const iso = randomBytes(1_000_000);
let upstream: FileUpstream;
let folder: string;
let base: string;

const box = blackBox({}, async ({ api, server }, stack) => {
  folder = await mkdtemp(join(tmpdir(), "deckle-downloads-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  upstream = stack.use(await createFileUpstream(120, 100));
  await upstream.put("1.iso", iso);
  const remote = await api.post("remotes/file/file/", {
    name: "r",
    url: upstream.manifestUrl,
    policy: "on_demand",
  });
  const repository = await api.post("repositories/file/file/", { name: "f", autopublish: true });
  await api.done(await api.post(`${repository.pulp_href}sync/`, { remote: remote.pulp_href }));
  await api.done(
    await api.post("distributions/file/file/", {
      name: "d",
      base_path: "d",
      repository: repository.pulp_href,
    }),
  );
  base = `${server.contentUrl}/pulp/content/d/`;
});

const sha256 = (content: Buffer | string) => createHash("sha256").update(content).digest("hex");
const curl = (...args: readonly string[]) => command("curl", ["-sS", ...args], folder);
/** Status and headers of a request whose body is thrown away. */
const headOf = async (...args: readonly string[]) =>
  head((await curl("-D", "-", "-o", "/dev/null", ...args)).stdout);

test("curl -L downloads an on-demand file with the right digest, once from upstream", async () => {
  await upstream.nginx.takeRequests();
  for (const name of ["first", "second"]) {
    const { status, stderr } = await curl("-L", "-o", name, `${base}1.iso`);
    assert.equal(status, 0, stderr);
    assert.equal(sha256(await readFile(join(folder, name))), sha256(iso));
  }
  assert.deepEqual(await upstream.nginx.takeRequests(), ["/1.iso"]);
});

test("curl -r takes a middle and an end", async () => {
  const middle = await curl("-r", "100-199", `${base}1.iso`);
  assert.equal(sha256(Buffer.from(middle.stdout, "latin1")), sha256(iso.subarray(100, 200)));
  const end = await curl("-r", "-500", `${base}1.iso`);
  assert.equal(sha256(Buffer.from(end.stdout, "latin1")), sha256(iso.subarray(-500)));
  const { status, headers } = await headOf("-r", "100-199", `${base}1.iso`);
  assert.equal(status, 206);
  assert.equal(headers["content-range"], `bytes 100-199/${iso.length}`);
  assert.equal((await headOf("-r", "2000000-", `${base}1.iso`)).status, 416);
});

test("curl -C - resumes an interrupted download", async () => {
  await writeFile(join(folder, "part"), iso);
  await truncate(join(folder, "part"), 400_000);
  const { status, stderr } = await curl("-C", "-", "-o", "part", `${base}1.iso`);
  assert.equal(status, 0, stderr);
  assert.equal(sha256(await readFile(join(folder, "part"))), sha256(iso));
});

test("curl -I tells size, type and validators", async () => {
  const { status, headers } = head((await curl("-I", `${base}1.iso`)).stdout);
  assert.equal(status, 200);
  assert.equal(headers["content-length"], String(iso.length));
  assert.equal(headers["accept-ranges"], "bytes");
  assert.equal(headers.etag, `"${sha256(iso)}"`);
  assert.ok(headers["last-modified"]);
});

test("conditional requests get 304", async () => {
  const { headers } = await headOf(`${base}1.iso`);
  assert.equal((await headOf("-z", headers["last-modified"] ?? "", `${base}1.iso`)).status, 304);
  const match = `If-None-Match: "${sha256(iso)}"`;
  assert.equal((await headOf("-H", match, `${base}1.iso`)).status, 304);
  assert.equal((await headOf("-H", 'If-None-Match: "other"', `${base}1.iso`)).status, 200);
});

test("a folder without its slash redirects, and a missing file is not found", async () => {
  const { status, headers } = await headOf(base.slice(0, -1));
  assert.equal(status, 301);
  assert.match(headers.location ?? "", /\/d\/$/);
  assert.equal((await headOf(`${base}nothing`)).status, 404);
});

test("a listing is negotiated as JSON pages", async () => {
  const accept = ["-H", "Accept: application/json"];
  const { stdout } = await curl(...accept, `${base}d000/?limit=50&offset=50`);
  const page = JSON.parse(stdout);
  assert.equal(page.count ?? page.entries?.length, 120);
});

test("wget -r -np copies the whole distribution", async () => {
  const { status, stderr } = await command(
    "wget",
    ["-q", "-r", "-np", "-nH", "--cut-dirs=3", "-P", "copy", base],
    folder,
  );
  assert.equal(status, 0, stderr);
  const names = await readdir(join(folder, "copy", "d000"));
  assert.equal(names.filter((name) => name.endsWith(".bin")).length, 120);
  for (const { path, sha256: digest } of upstream.files) {
    assert.equal(sha256(await readFile(join(folder, "copy", path))), digest, path);
  }
});

test("curl -F uploads a unit", async () => {
  const { server, api } = box;
  await writeFile(join(folder, "x"), "content of x");
  const { stdout } = await curl(
    ...["-u", `${server.username}:${server.password}`],
    ...["-F", "file=@x", "-F", "relative_path=x"],
    `${server.apiUrl}/pulp/api/v3/content/file/files/`,
  );
  const task = await api.done(JSON.parse(stdout));
  const unit = await api.get(task.created_resources[0]);
  assert.equal(unit.sha256, sha256("content of x"));
});

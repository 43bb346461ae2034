import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { blackBox } from "./support/black-box.ts";
import { pythonPackages, pythonTool, type ToolResult } from "./support/python-tools.ts";

const box = blackBox();
const folder = await mkdtemp(join(tmpdir(), "deckle-index-"));
after(() => rm(folder, { recursive: true, force: true }));

interface Index {
  /** Ends in a slash; without credentials. */
  readonly url: string;
  readonly simple: string;
  readonly legacy: string;
}

let serial = 0;

async function newIndex(more: object = {}): Promise<Index> {
  serial += 1;
  const name = `index-${serial}`;
  const { api, server } = box;
  const repository = await api.post("repositories/python/python/", { name });
  await api.task(
    await api.post("distributions/python/pypi/", {
      ...{ name, base_path: `team/${name}`, repository: repository.pulp_href },
      ...more,
    }),
  );
  const url = `${server.apiUrl}/pypi/team/${name}/`;
  return {
    url,
    simple: `${url}simple/`,
    legacy: `${url}legacy/`,
  };
}

const files = async (): Promise<readonly string[]> =>
  (await readdir(pythonPackages)).sort().map((name) => join(pythonPackages, name));

/** Runs a tool in a home of its own. */
const run = (name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  pythonTool(name, args, { cwd: folder, env: { HOME: folder, ...env } });

const passed = (result: ToolResult): ToolResult => {
  assert.equal(result.status, 0, result.output);
  return result;
};

const twine = (url: string, args: readonly string[], password?: string) =>
  run("twine", [
    ...["upload", "--non-interactive", "--disable-progress-bar", "--repository-url", url],
    ...["-u", box.server.username, "-p", password ?? box.server.password],
    ...args,
  ]);

async function listed(index: Index, project: string): Promise<readonly string[]> {
  const answer = await fetch(`${index.simple}${project}/?format=json`);
  if (answer.status === 404) return [];
  const { files: all } = (await answer.json()) as { files: { filename: string }[] };
  return all.map(({ filename }) => filename);
}

test("twine uploads to both addresses, and is told what is there already", async () => {
  const index = await newIndex();
  const [sdist = "", ...wheels] = await files();

  passed(await twine(index.legacy, [sdist]));
  passed(await twine(index.simple, wheels));
  const again = await twine(index.legacy, [sdist]);
  const wrong = await twine(index.legacy, [sdist], "wrong");

  assert.deepEqual(await listed(index, "flit-core"), ["flit_core-3.12.0.tar.gz"]);
  assert.equal((await listed(index, "iniconfig")).length, 1);
  assert.notEqual(again.status, 0);
  assert.match(again.output, /already exists in index/);
  assert.notEqual(wrong.status, 0);
  assert.match(wrong.output, /401/);
});

test("an index that takes no uploads says so to twine", async () => {
  const index = await newIndex({ allow_uploads: false });
  const [sdist = ""] = await files();
  const refused = await twine(index.legacy, [sdist]);
  assert.notEqual(refused.status, 0);
  assert.match(refused.output, /Index is not allowing uploads/);
});

const uv = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  run("uv", args, {
    ...{ UV_CACHE_DIR: join(folder, "uv-cache"), UV_PYTHON_DOWNLOADS: "never" },
    ...{ UV_NO_PROGRESS: "1", UV_NO_CONFIG: "1" },
    ...env,
  });

async function token(scopes: readonly string[]): Promise<string> {
  serial += 1;
  return (await box.api.post("tokens/", { name: `token-${serial}`, scopes })).token;
}

test("uv publishes with a token, installs, and locks with hashes", async () => {
  const index = await newIndex();
  const all = await files();
  const publish = ["publish", "--publish-url", index.legacy, "--username", "__token__"];
  const refused = await uv([...publish, "--password", await token(["read"]), ...all]);
  passed(await uv([...publish, "--password", await token(["*"]), ...all]));
  passed(
    await uv([...publish, "--password", await token(["*"]), "--check-url", index.simple, ...all]),
  );
  assert.notEqual(refused.status, 0);
  assert.match(refused.output, /403/);

  const target = join(folder, "uv-target");
  const install = ["pip", "install", "--target", target, "--default-index", index.simple];
  passed(await uv([...install, "iniconfig==2.1.0", "flit_core", "--no-build-isolation"]));
  assert.ok((await readdir(target)).includes("iniconfig"));

  const project = join(folder, "uv-project");
  await mkdir(project);
  await writeFile(
    join(project, "pyproject.toml"),
    `[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = ["pluggy", "packaging>=24"]\n`,
  );
  passed(await uv(["lock", "--project", project, "--default-index", index.simple]));
  const lock = await readFile(join(project, "uv.lock"), "utf8");
  for (const path of all.filter((one) => /pluggy|packaging/.test(one))) {
    const digest = createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
    assert.ok(lock.includes(`sha256:${digest}`), `${path} is locked by its digest`);
  }
});

test("uv honours when a file came", async () => {
  const index = await newIndex();
  passed(await twine(index.legacy, [...(await files())]));
  const install = (date: string) =>
    uv([
      ...["pip", "install", "--dry-run", "--target", join(folder, "none")],
      ...["--default-index", index.simple, "--exclude-newer", date, "pluggy"],
    ]);
  const before = await install("2020-01-01");
  assert.notEqual(before.status, 0);
  passed(await install(new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)));
});

const pip = (args: readonly string[]) =>
  run("pip", ["--disable-pip-version-check", "--no-cache-dir", ...args]);

test("pip lists, downloads and installs, and reads metadata without the file", async () => {
  const index = await newIndex();
  passed(await twine(index.legacy, [...(await files())]));

  const versions = passed(await pip(["index", "versions", "iniconfig", "-i", index.simple]));
  assert.match(versions.output, /2\.1\.0/);
  const target = join(folder, "pip-target");
  passed(await pip(["install", "--target", target, "-i", index.simple, "Pluggy"]));
  assert.ok((await readdir(target)).includes("pluggy"));
  const download = ["download", "--no-deps", "-d", join(folder, "down"), "-i", index.simple];
  passed(await pip([...download, "packaging>=24,<26"]));
  const report = passed(
    await pip([
      "install",
      "--dry-run",
      "--report",
      "-",
      "-q",
      "-i",
      index.simple,
      "--target",
      target,
      "iniconfig",
    ]),
  );
  assert.match(report.output, /core_metadata|"metadata_version"/);
  const missing = await pip(["download", "-d", folder, "-i", index.simple, "no-such-project"]);
  assert.match(missing.output, /No matching distribution found/);
});

test("a yanked release is not chosen, but there for those who pin it", async () => {
  const index = await newIndex();
  passed(await twine(index.legacy, [...(await files())]));
  const { server } = box;
  const answer = await fetch(`${index.url}yank/`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Basic ${Buffer.from(`${server.username}:${server.password}`).toString("base64")}`,
    },
    body: JSON.stringify({ name: "iniconfig", version: "2.1.0", yanked_reason: "broken" }),
  });
  assert.equal(answer.status, 202);
  await box.api.task(await answer.json());
  const download = (what: string) =>
    pip(["download", "--no-deps", "-d", join(folder, "yanked"), "-i", index.simple, what]);

  assert.notEqual((await download("iniconfig>=2")).status, 0);
  const pinned = passed(await download("iniconfig==2.1.0"));
  assert.match(pinned.output, /broken/);
});

test("a guarded index opens to credentials in the address, in netrc, and to a token", async () => {
  const guard = await box.api.post("contentguards/core/rbac/", { name: "pip guard" });
  const index = await newIndex({ content_guard: guard.pulp_href });
  passed(await twine(index.legacy, [...(await files())]));
  const download = (url: string, env: Readonly<Record<string, string>> = {}) =>
    run(
      "pip",
      [
        ...["--disable-pip-version-check", "--no-cache-dir", "--no-input", "download", "--no-deps"],
        ...["-d", join(folder, `guarded-${Date.now()}`), "-i", url, "pluggy"],
      ],
      env,
    );
  const metadata = await fetch(index.simple);
  assert.equal(metadata.status, 403);

  const content = new URL(box.server.contentUrl).hostname;
  const netrc = join(folder, ".netrc");
  const login = (password: string) =>
    [new URL(index.url).hostname, content, "localhost"]
      .map((host) => `machine ${host} login ${box.server.username} password ${password}\n`)
      .join("");
  await writeFile(netrc, login(`"${box.server.password}"`));
  await chmod(netrc, 0o600);
  assert.notEqual(
    (await download(index.simple, { NETRC: "/dev/null", HOME: "/nonexistent" })).status,
    0,
  );
  passed(await download(index.simple, { NETRC: netrc }));
  const secret = await token(["read"]);
  await writeFile(
    netrc,
    login(secret).replaceAll(`login ${box.server.username}`, "login __token__"),
  );
  passed(await download(index.simple, { NETRC: netrc }));
});

test("what build makes of a project is uploaded and installed", async () => {
  const index = await newIndex();
  const project = join(folder, "made");
  await mkdir(project);
  await writeFile(
    join(project, "pyproject.toml"),
    `[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n[project]\nname = "made.by_us"\nversion = "1.0"\nrequires-python = ">=3.8"\n`,
  );
  await writeFile(join(project, "made.py"), "VALUE = 1\n");
  passed(await run("python", ["-m", "build", "--no-isolation", project]));
  const dist = join(project, "dist");
  passed(
    await twine(
      index.legacy,
      (await readdir(dist)).map((name) => join(dist, name)),
    ),
  );

  const target = join(folder, "made-target");
  passed(await pip(["install", "--target", target, "-i", index.simple, "Made-By.Us"]));
  assert.equal((await listed(index, "made-by-us")).length, 2);
});

test("poetry resolves and installs from the index", async () => {
  const index = await newIndex();
  passed(await twine(index.legacy, [...(await files())]));
  const project = join(folder, "poetry-project");
  await mkdir(project);
  await writeFile(
    join(project, "pyproject.toml"),
    `[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = ["iniconfig (>=2)"]\n[tool.poetry]\npackage-mode = false\n[[tool.poetry.source]]\nname = "own"\nurl = "${index.simple}"\npriority = "primary"\n`,
  );
  const env = {
    POETRY_CACHE_DIR: join(folder, "poetry-cache"),
    POETRY_VIRTUALENVS_CREATE: "false",
  };
  passed(await run("poetry", ["--no-interaction", "-C", project, "lock"], env));
  const lock = await readFile(join(project, "poetry.lock"), "utf8");
  const wheel = join(pythonPackages, "iniconfig-2.1.0-py3-none-any.whl");
  const digest = createHash("sha256")
    .update(await readFile(wheel))
    .digest("hex");
  assert.ok(lock.includes(digest), lock);
});

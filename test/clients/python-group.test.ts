import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { wheel } from "../plugins/python/distributions.ts";
import { freePort } from "../support/server.ts";
import { blackBox } from "./support/black-box.ts";
import { pythonPackages, pythonTool, type ToolResult } from "./support/python-tools.ts";

const [apiPort, contentPort] = [await freePort(), await freePort()];
const folder = await mkdtemp(join(tmpdir(), "deckle-group-"));
after(() => rm(folder, { recursive: true, force: true }));

const url = (name: string): string => `http://127.0.0.1:${apiPort}/pypi/${name}/`;

const run = (name: string, args: readonly string[]) =>
  pythonTool(name, args, {
    cwd: folder,
    env: {
      ...{ HOME: folder, UV_CACHE_DIR: join(folder, "cache"), UV_NO_PROGRESS: "1" },
      ...{ UV_PYTHON_DOWNLOADS: "never", UV_NO_CONFIG: "1" },
    },
  });

const passed = (result: ToolResult): ToolResult => {
  assert.equal(result.status, 0, result.output);
  return result;
};

const upload = async (index: string, paths: readonly string[]): Promise<ToolResult> =>
  run("twine", [
    ...["upload", "--non-interactive", "--disable-progress-bar"],
    ...["--repository-url", `${url(index)}legacy/`],
    ...["-u", box.server.username, "-p", box.server.password, ...paths],
  ]);

const hrefs = new Map<string, string>();

async function index(name: string, more: object = {}): Promise<void> {
  const json = { name, base_path: name, ...more };
  const { created_resources } = await box.api.done(
    await box.api.post("distributions/python/pypi/", json),
  );
  hrefs.set(name, created_resources[0]);
}

async function hosted(name: string): Promise<void> {
  const { pulp_href } = await box.api.post("repositories/python/python/", { name });
  await index(name, { repository: pulp_href });
}

/** A window on another index of the same server, which stands for the public one. */
async function windowOn(name: string, upstream: string, remote: object, more: object = {}) {
  const json = { name, url: url(upstream), ...remote };
  const { pulp_href } = await box.api.post("remotes/python/python/", json);
  await index(name, { remote: pulp_href, ...more });
}

const members = (...names: readonly string[]) => names.map((name) => hrefs.get(name));

async function written(version: string, salt: string): Promise<string> {
  const { filename, bytes } = wheel({ name: "acme-tool", version, salt });
  const path = join(folder, filename);
  await writeFile(path, bytes);
  return path;
}

const box = blackBox(
  {
    ports: { api: apiPort, content: contentPort },
    env: {
      PULP_PYPI_API_HOSTNAME: `http://127.0.0.1:${apiPort}`,
      PULP_CONTENT_ORIGIN: `http://127.0.0.1:${contentPort}`,
      PULP_PYTHON_UPSTREAM_PAGE_SECONDS: "0",
    },
  },
  async () => {
    const all = (await readdir(pythonPackages)).map((name) => join(pythonPackages, name));
    await hosted("public");
    passed(await upload("public", [...all, await written("999", "of a stranger")]));
    await hosted("own");
    await windowOn("window", "public", {});
    await windowOn("young", "public", { minimum_release_age_hours: 24 });
    await index("all", { members: members("own", "window") });
    passed(await upload("all", [await written("1.0", "of ours")]));
  },
);

/** Names of the files that pip takes. */
async function downloaded(name: string, ...wanted: readonly string[]): Promise<string[]> {
  const target = await mkdtemp(join(folder, "pip-"));
  passed(
    await run("pip", [
      ...["--disable-pip-version-check", "--no-cache-dir", "--isolated", "download", "--no-deps"],
      ...["-d", target, "-i", `${url(name)}simple/`, ...wanted],
    ]),
  );
  return (await readdir(target)).sort();
}

/** What uv would install, one per line. */
const resolved = (name: string, wanted: string): Promise<ToolResult> =>
  run("uv", [
    ...["pip", "install", "--dry-run", "--no-cache", "--target", join(folder, "none")],
    ...["--default-index", `${url(name)}simple/`, wanted],
  ]);

test("pip and uv take what is ours from us, and everything else from upstream", async () => {
  const files = await downloaded("all", "acme-tool", "pluggy");
  const own = passed(await resolved("all", "Acme.Tool"));
  const other = passed(await resolved("all", "iniconfig"));

  assert.deepEqual(files, ["acme_tool-1.0-py3-none-any.whl", "pluggy-1.6.0-py3-none-any.whl"]);
  assert.match(own.output, /acme-tool==1\.0/);
  assert.match(other.output, /iniconfig==2\.1\.0/);
  assert.notEqual((await resolved("all", "acme-tool>1")).status, 0);
  assert.match(passed(await resolved("public", "acme-tool")).output, /acme-tool==999/);
});

test("uv installs a locked project from a group, from both members", async () => {
  const project = await mkdtemp(join(folder, "project-"));
  await writeFile(
    join(project, "pyproject.toml"),
    `[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = ["acme-tool", "pluggy"]\n`,
  );
  const index = ["--project", project, "--default-index", `${url("all")}simple/`];
  passed(await run("uv", ["lock", ...index]));
  const lock = await readFile(join(project, "uv.lock"), "utf8");
  passed(await run("uv", ["export", "--locked", ...index]));

  assert.match(lock, /name = "acme-tool"\nversion = "1\.0"/);
  assert.match(lock, /own\/acme_tool-1\.0/);
  assert.match(lock, /window\/pluggy-1\.6\.0/);
});

test("a file that is in the group is not taken once more, and twine is told why", async () => {
  const again = await upload("all", [await written("1.0", "of ours")]);
  await index("reading", { members: members("window") });
  const nowhere = await upload("reading", [await written("2.0", "")]);

  assert.match(again.output, /already exists in index/);
  assert.match(nowhere.output, /No member of this index takes uploads/);
});

test("what is too young or denied is not there for pip and uv, with a reason for people", async () => {
  await windowOn("denying", "public", {}, { denied_packages: ["pluggy<2"] });
  const young = await resolved("young", "pluggy");
  const denied = await resolved("denying", "pluggy");
  const reason = async (name: string) => (await fetch(`${url(name)}simple/pluggy/`)).text();
  const file = `http://127.0.0.1:${contentPort}/pulp/content/denying/pluggy-1.6.0-py3-none-any.whl`;

  assert.notEqual(young.status, 0);
  assert.notEqual(denied.status, 0);
  assert.match(await reason("young"), /less than 24 hours ago/);
  assert.match(await reason("denying"), /this index denies pluggy&lt;2/);
  assert.equal((await fetch(file)).status, 403);
  assert.deepEqual(await downloaded("denying", "iniconfig"), ["iniconfig-2.1.0-py3-none-any.whl"]);
});

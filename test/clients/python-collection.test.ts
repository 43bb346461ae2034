import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { sha256 } from "#base/digests.ts";
import { blackBox } from "./support/black-box.ts";
import { projectOf, startFolderIndex } from "./support/folder-index.ts";
import { pythonCollection, pythonTool, type ToolResult } from "./support/python-tools.ts";

const box = blackBox();
const home = await mkdtemp(join(tmpdir(), "deckle-collection-"));
after(() => rm(home, { recursive: true, force: true }));

/** File name → SHA-256 of its bytes. */
const digests = new Map<string, string>();

const hexOf = (bytes: Buffer | ArrayBuffer): string =>
  sha256(Buffer.from(bytes as ArrayBuffer)).toString("hex");

before(async () => {
  for (const filename of (await readdir(pythonCollection)).sort())
    digests.set(filename, hexOf(await readFile(join(pythonCollection, filename))));
});

const run = (
  name: string,
  args: readonly string[],
  more: { env?: Readonly<Record<string, string>>; environment?: string; cwd?: string } = {},
) =>
  pythonTool(name, args, {
    cwd: more.cwd ?? home,
    env: {
      ...{ HOME: home, UV_CACHE_DIR: join(home, "uv-cache"), UV_PYTHON_DOWNLOADS: "never" },
      ...{ UV_NO_PROGRESS: "1", UV_NO_CONFIG: "1" },
      ...more.env,
    },
    ...(more.environment === undefined ? {} : { environment: more.environment }),
  });

const passed = (result: ToolResult): ToolResult => {
  assert.equal(result.status, 0, result.output);
  return result;
};

async function newIndex(
  name: string,
  more: object = {},
): Promise<{ simple: string; legacy: string }> {
  const { api, server } = box;
  const repository = await api.post("repositories/python/python/", { name });
  await api.task(
    await api.post("distributions/python/pypi/", {
      ...{ name, base_path: name, repository: repository.pulp_href },
      ...more,
    }),
  );
  const url = `${server.apiUrl}/pypi/${name}/`;
  return { simple: `${url}simple/`, legacy: `${url}legacy/` };
}

const twine = (url: string, files: readonly string[]) =>
  run("twine", [
    ...["upload", "--non-interactive", "--disable-progress-bar", "--repository-url", url],
    ...["-u", box.server.username, "-p", box.server.password, ...files],
  ]);

const uvPublish = (url: string, files: readonly string[]) =>
  run("uv", [
    ...["publish", "--publish-url", url, "--trusted-publishing", "never"],
    ...["--username", box.server.username, "--password", box.server.password, ...files],
  ]);

interface Listed {
  readonly filename: string;
  readonly url: string;
  readonly hashes: { readonly sha256: string };
  readonly size: number;
  readonly "core-metadata": false | { readonly sha256: string };
}

/** Everything that the pages of an index list. */
async function listed(simple: string): Promise<Listed[]> {
  const json = async (url: string) =>
    (await fetch(url, { headers: { accept: "application/vnd.pypi.simple.v1+json" } })).json();
  const { projects } = (await json(simple)) as { projects: { name: string }[] };
  const pages = await Promise.all(projects.map(({ name }) => json(`${simple}${name}/`)));
  return pages.flatMap((page) => (page as { files: Listed[] }).files);
}

async function untilListed(simple: string, count: number): Promise<Listed[]> {
  for (let tries = 0; ; tries += 1) {
    const files = await listed(simple);
    if (files.length === count) return files;
    assert.ok(tries < 120, `${files.length} of ${count} files are listed`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** Turns a list into so many of about the same length. */
const dealt = <Item>(items: readonly Item[], hands: number): Item[][] =>
  Array.from({ length: hands }, (_, hand) => items.filter((_item, at) => at % hands === hand));

const CLIENTS = 8;
/** Projects of which a release has metadata that twine finds fault with; uv sends them. */
const ODD_METADATA =
  /^(constantly|execnet|html5lib|hyperlink|isodate|jmespath|mccabe|pickleshare|text_unidecode|toml|webencodings)-/;
let simple = "";
let files: readonly Listed[] = [];

test("files of a hundred projects are uploaded by eight clients at once, and all are listed", async () => {
  const projects = new Set([...digests.keys()].map(projectOf));
  assert.ok(digests.size >= 300 && projects.size >= 100, `${digests.size} of ${projects.size}`);
  const index = await newIndex("all");
  const { odd = [], fine = [] } = Object.groupBy(digests.keys(), (name) =>
    ODD_METADATA.test(name) ? "odd" : "fine",
  );
  const ofTwine = fine.slice(0, fine.length / 2);
  const ofUv = [...fine.slice(ofTwine.length), ...odd];
  const path = (name: string) => join(pythonCollection, name);

  const results = await Promise.all([
    ...dealt(ofTwine.map(path), CLIENTS / 2).map((hand) => twine(index.legacy, hand)),
    ...dealt(ofUv.map(path), CLIENTS / 2).map((hand) => uvPublish(index.legacy, hand)),
  ]);

  for (const result of results) passed(result);
  simple = index.simple;
  files = await untilListed(simple, digests.size);
  assert.deepEqual(
    files.map(({ filename, hashes }) => [filename, hashes.sha256]).sort(),
    [...digests].sort(),
  );
});

test("every file comes back as it was, and so do the metadata beside the wheels", async () => {
  for (const batch of dealt(files, Math.ceil(files.length / 32)))
    await Promise.all(
      batch.map(async ({ filename, url, size, ...file }) => {
        const bytes = await (await fetch(url)).arrayBuffer();
        assert.deepEqual([hexOf(bytes), bytes.byteLength], [digests.get(filename), size], filename);
        const metadata = file["core-metadata"];
        assert.equal(metadata !== false, filename.endsWith(".whl"), filename);
        if (metadata === false) return;
        const beside = await (await fetch(`${url}.metadata`)).arrayBuffer();
        assert.equal(hexOf(beside), metadata.sha256, filename);
      }),
    );
});

test("all wheels are installed again, with the metadata that the index tells", async () => {
  const wheels = files.filter(({ filename }) => filename.endsWith(".whl"));
  const rounds = new Map<string, number>();
  const inRound = Map.groupBy(wheels, ({ filename }) => {
    const round = (rounds.get(projectOf(filename)) ?? 0) + 1;
    rounds.set(projectOf(filename), round);
    return round;
  });
  for (const [round, own] of inRound) {
    const requirements = join(home, `round-${round}.txt`);
    const target = join(home, `round-${round}`);
    const lines = own.map(({ filename, hashes }) => {
      const version = filename.split("-")[1];
      return `${projectOf(filename)}==${version} --hash=sha256:${hashes.sha256}\n`;
    });
    await writeFile(requirements, lines.join(""));
    const options = ["--no-deps", "--require-hashes", "--only-binary", ":all:"];
    passed(
      await run("uv", [
        ...["pip", "install", "--quiet", "--target", target, "--default-index", simple],
        ...[...options, "--python-version", "3.13", "--requirement", requirements],
      ]),
    );
    const installed = (await readdir(target)).filter((name) => name.endsWith(".dist-info"));
    assert.equal(installed.length, own.length);
    const told = new Set(own.map((file) => (file["core-metadata"] || { sha256: "" }).sha256));
    for (const name of installed)
      assert.ok(told.has(hexOf(await readFile(join(target, name, "METADATA")))), name);
  }
});

test("pdm locks with hashes and installs", async () => {
  const project = await mkdtemp(join(home, "pdm-"));
  await writeFile(
    join(project, "pyproject.toml"),
    `[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\n` +
      `dependencies = ["flake8", "rsa"]\n[tool.pdm]\ndistribution = false\n` +
      `[[tool.pdm.source]]\nname = "pypi"\nurl = "${simple}"\nverify_ssl = false\n`,
  );
  const pdm = (...args: readonly string[]) =>
    run("pdm", args, {
      environment: "pdm",
      cwd: project,
      env: { PDM_CACHE_DIR: join(home, "pdm-cache"), PDM_CHECK_UPDATE: "false" },
    });

  passed(await pdm("lock"));
  passed(await pdm("install"));

  const lock = await readFile(join(project, "pdm.lock"), "utf8");
  for (const [filename, digest] of digests)
    if (/^(?:pyasn1|mccabe)-/.test(filename) && lock.includes(filename))
      assert.ok(lock.includes(`sha256:${digest}`), filename);
  assert.match(lock, /sha256:/);
  const listedThere = passed(await pdm("list", "--freeze"));
  for (const name of ["flake8", "mccabe", "pycodestyle", "pyflakes", "rsa", "pyasn1"])
    assert.match(listedThere.output, new RegExp(`^${name}==`, "m"));
});

/** With what they need these are more than sixty projects. */
const CLOSURE = [
  ...["markdown-it-py", "gitdb", "rfc3339-validator", "httpcore", "coloredlogs", "incremental"],
  ...["anyio", "jsonpatch", "mistune", "html5lib", "importlib-resources", "python-slugify"],
  ...["flake8", "isort", "wheel", "hyperlink", "pyjwt", "h2", "rsa", "pexpect", "attrs", "blinker"],
  ...["boltons", "cachetools", "click", "cloudpickle", "colorama", "decorator", "defusedxml"],
  ...["humanize", "inflection", "itsdangerous", "jmespath", "markdown", "more-itertools"],
  ...["natsort", "pluggy", "semver", "tabulate", "toolz", "tqdm"],
];

test("a closure of sixty projects is pulled through once, and then never asked for again", async () => {
  await using upstream = await startFolderIndex(pythonCollection);
  const { api } = box;
  const remote = await api.post("remotes/python/python/", { name: "up", url: upstream.url });
  const pull = await newIndex("pull", { remote: remote.pulp_href });
  const install = async (target: string): Promise<string[]> => {
    const options = ["--quiet", "--no-cache-dir", "--disable-pip-version-check", "--only-binary"];
    const where = ["--index-url", pull.simple, "--target", join(home, target)];
    passed(await run("pip", ["install", ...options, ":all:", ...where, ...CLOSURE]));
    return (await readdir(join(home, target))).filter((name) => name.endsWith(".dist-info")).sort();
  };

  const first = await install("pulled-1");
  await untilListedBy(pull.simple, first.length);
  const asked = upstream.asked.length;
  const second = await install("pulled-2");

  assert.ok(first.length >= 60, `${first.length} projects`);
  assert.ok(asked > first.length);
  assert.deepEqual(second, first);
  assert.deepEqual(upstream.asked.slice(asked), []);
});

/** Waits for the tasks that add what was fetched. */
async function untilListedBy(simplePage: string, count: number): Promise<void> {
  const root = simplePage.replace(/simple\/$/, "");
  for (let tries = 0; ; tries += 1) {
    const { files: there } = (await (await fetch(root)).json()) as { files: number };
    if (there >= count) return;
    assert.ok(tries < 60, `${there} of ${count} files`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

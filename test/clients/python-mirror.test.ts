import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { freePort } from "../support/server.ts";
import { blackBox } from "./support/black-box.ts";
import { type FolderIndex, startFolderIndex } from "./support/folder-index.ts";
import { client } from "./support/python.ts";

const run = promisify(execFile);
const [apiPort, contentPort] = [await freePort(), await freePort()];

/** Small packages of others; the second needs the first. */
const PACKAGES = ["six==1.17.0", "python-dateutil==2.9.0.post0"];

/** An index of two real wheels. */
async function startWheels(stack: AsyncDisposableStack): Promise<FolderIndex> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-wheels-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await run(client("pip"), ["download", "--quiet", "--no-deps", "--dest", folder, ...PACKAGES]);
  return stack.use(await startFolderIndex(folder));
}

let index: FolderIndex;
const box = blackBox(
  {
    ports: { api: apiPort, content: contentPort },
    env: {
      PULP_PYPI_API_HOSTNAME: `http://127.0.0.1:${apiPort}`,
      PULP_CONTENT_ORIGIN: `http://127.0.0.1:${contentPort}`,
    },
  },
  async (_box, stack) => {
    index = await startWheels(stack);
  },
);

/** Installs into a folder of its own, without the cache of other runs. */
async function install(base: string, ...packages: readonly string[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-site-"));
  const simple = `http://127.0.0.1:${apiPort}/pypi/${base}/simple/`;
  const options = ["--quiet", "--no-cache-dir", "--disable-pip-version-check", "--isolated"];
  const where = ["--index-url", simple, "--target", folder];
  await run(client("pip"), ["install", ...options, ...where, ...packages]);
  const installed = await readdir(folder);
  await rm(folder, { recursive: true, force: true });
  return installed.filter((name) => name.endsWith(".dist-info")).sort();
}

const INSTALLED = ["python_dateutil-2.9.0.post0.dist-info", "six-1.17.0.dist-info"];

test("an index is mirrored with the stock commands, and pip installs from the mirror", async () => {
  const { pulp } = box;
  const python = (...args: readonly string[]) => pulp.json("python", ...args);
  await python(
    "remote",
    "create",
    "--name",
    "up",
    "--url",
    index.url,
    "--includes",
    '["six", "python-dateutil"]',
  );
  await python("repository", "create", "--name", "m", "--remote", "up");
  await python("repository", "sync", "--name", "m");
  await python("distribution", "create", "--name", "m", "--base-path", "m", "--repository", "m");

  const version = await python("repository", "version", "show", "--repository", "m");

  assert.equal(version.content_summary.present["python.python"].count, 2);
  assert.deepEqual(await install("m", "python-dateutil"), INSTALLED);
});

test("a second sync makes no version", async () => {
  const { pulp } = box;
  const before = index.asked.length;
  await pulp.json("python", "repository", "sync", "--name", "m");
  const version = await pulp.json("python", "repository", "version", "show", "--repository", "m");
  assert.equal(version.number, 1);
  assert.ok(index.asked.length - before <= 4, `${index.asked.slice(before)}`);
});

test("pip installs through a distribution with a remote, and the second time without upstream's files", async () => {
  const { pulp } = box;
  const python = (...args: readonly string[]) => pulp.json("python", ...args);
  await python("remote", "create", "--name", "pull", "--url", index.url);
  await python("repository", "create", "--name", "p");
  await python(
    ...["distribution", "create", "--name", "p", "--base-path", "p"],
    ...["--repository", "p", "--remote", "pull"],
  );

  const first = await install("p", "python-dateutil");
  const files = index.asked.filter((path) => path.startsWith("/files/")).length;
  await untilMembers("p", 2);
  const asked = index.asked.length;
  const second = await install("p", "python-dateutil");

  assert.deepEqual([first, second], [INSTALLED, INSTALLED]);
  assert.ok(files >= 1);
  assert.deepEqual(index.asked.slice(asked), []);
});

/** Waits for the tasks that add what was fetched. */
async function untilMembers(name: string, count: number): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const shown = ["python", "repository", "version", "show", "--repository", name];
    const version = await box.pulp.json(...shown);
    const present = version.content_summary.present["python.python"]?.count ?? 0;
    if (present === count) return;
    assert.ok(tries < 30, `${present} of ${count} packages`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

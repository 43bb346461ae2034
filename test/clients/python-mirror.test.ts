import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { sha256 } from "#base/digests.ts";
import { normalizeName } from "#plugins/python/format/names.ts";
import { freePort } from "../support/server.ts";
import { blackBox } from "./support/black-box.ts";
import { client } from "./support/python.ts";

const run = promisify(execFile);
const [apiPort, contentPort] = [await freePort(), await freePort()];

/** Small packages of others; the second needs the first. */
const PACKAGES = ["six==1.17.0", "python-dateutil==2.9.0.post0"];

interface Index extends AsyncDisposable {
  readonly url: string;
  /** Paths that were asked for. */
  readonly asked: string[];
  readonly folder: string;
}

/** An index of real wheels: JSON pages, files, and the metadata beside them. */
async function startIndex(): Promise<Index> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-wheels-"));
  await run(client("pip"), ["download", "--quiet", "--no-deps", "--dest", folder, ...PACKAGES]);
  const wheels = await readdir(folder);
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    const [, project] = /^\/simple\/([^/]+)\/$/.exec(path) ?? [];
    const [, file] = /^\/files\/([^/]+)$/.exec(path) ?? [];
    if (path === "/simple/" || project !== undefined) {
      response.setHeader("content-type", "application/vnd.pypi.simple.v1+json");
      response.end(JSON.stringify(await pageOf(folder, wheels, project)));
    } else if (file !== undefined && wheels.includes(file)) {
      response.end(await readFile(join(folder, file)));
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    asked,
    folder,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const projectOf = (wheel: string): string => normalizeName(wheel.split("-")[0] ?? "");

async function pageOf(folder: string, wheels: readonly string[], project: string | undefined) {
  if (project === undefined)
    return { projects: wheels.map((wheel) => ({ name: projectOf(wheel) })) };
  const own = wheels.filter((wheel) => projectOf(wheel) === project);
  const files = own.map(async (filename) => ({
    filename,
    url: `../../files/${filename}`,
    hashes: { sha256: sha256(await readFile(join(folder, filename))).toString("hex") },
  }));
  return { name: project, files: await Promise.all(files) };
}

let index: Index;
const box = blackBox(
  {
    ports: { api: apiPort, content: contentPort },
    env: {
      PULP_PYPI_API_HOSTNAME: `http://127.0.0.1:${apiPort}`,
      PULP_CONTENT_ORIGIN: `http://127.0.0.1:${contentPort}`,
    },
  },
  async (_box, stack) => {
    index = stack.use(await startIndex());
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

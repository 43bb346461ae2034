import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApi } from "../../test/support/api.ts";
import { processTree } from "../../test/support/process-tree.ts";
import { wrk } from "../load.ts";
import type { Rival } from "../rivals/process.ts";
import { INSTALLER, startProxpi, startPypiserver } from "../rivals/python-indexes.ts";
import type { Bench, Goal, Scenario, Side } from "../scenario.ts";
import { seedPackages } from "../seed/packages.ts";

/** P10, H7: the page of a project of 1,000 files. */
export const scenario: Scenario = {
  title: "page of 1,000 files against pypiserver and proxpi",
  run,
};

const FILES = 1000;
const HTML = "text/html";
const JSON_TYPE = "application/vnd.pypi.simple.v1+json";

async function run(bench: Bench): Promise<void> {
  const index = await newIndex(bench);
  const pypiserver = bench.stack.use(await startPypiserver(await folderOf(bench)));
  const proxpi = bench.stack.use(await startProxpi(index));
  const pair = (name: string, ours: Side, theirs: Side, bound: number) =>
    bench.pair({ name, ours, theirs, goals: goals(bound) });
  const own = (accept: string) => ourSide(bench, `${index}big/`, accept);
  const of = (name: string, rival: Rival, path: string, accept: string): Side => ({
    name,
    pids: () => processTree(rival.pid),
    load: (seconds) =>
      wrk({ url: rival.url + path, headers: { ...INSTALLER, accept }, connections: 8 }, seconds),
  });
  await pair("HTML page", own(HTML), of("pypiserver", pypiserver, "/simple/big/", HTML), 100);
  // It has no pages in JSON.
  await pair("JSON page", own(JSON_TYPE), of("pypiserver", pypiserver, "/simple/big/", HTML), 100);
  await pair("HTML page", own(HTML), of("proxpi", proxpi, "/index/big/", HTML), 40);
  await pair("JSON page", own(JSON_TYPE), of("proxpi", proxpi, "/index/big/", JSON_TYPE), 40);
}

const goals = (bound: number): Goal[] => [
  { measure: "cpu", bound, source: "H7" },
  { measure: "cpuMs", bound: 0.19, source: "H7: page of 1,000 files" },
];

const ourSide = (bench: Bench, url: string, accept: string): Side => ({
  name: "deckle",
  pids: () => bench.pids(),
  load: (seconds) => wrk({ url, headers: { ...INSTALLER, accept }, connections: 64 }, seconds),
});

/** Address of `simple/`. */
async function newIndex(bench: Bench): Promise<string> {
  const api = createApi(bench.server);
  const repository = await api.post("repositories/python/python/", { name: "pages" });
  const seed = { prefix: "big", projects: 1, files: FILES };
  await seedPackages(bench.databaseUrl, repository.pulp_href, [seed]);
  const values = { name: "pages", base_path: "pages", repository: repository.pulp_href };
  await api.done(await api.post("distributions/python/pypi/", values));
  return `${bench.server.apiUrl}/pypi/pages/simple/`;
}

/** The same names as files of a folder; what is in them is not looked into. */
async function folderOf(bench: Bench): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-wheels-"));
  bench.stack.defer(() => rm(folder, { recursive: true, force: true }));
  for (let at = 1; at <= FILES; at += 1) {
    const version = `${Math.floor(at / 10)}.${at % 10}`;
    await writeFile(join(folder, `big-${version}-py3-none-any.whl`), `wheel ${version}`);
  }
  return folder;
}

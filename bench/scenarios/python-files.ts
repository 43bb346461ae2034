import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApi } from "../../test/support/api.ts";
import { processTree } from "../../test/support/process-tree.ts";
import { wrk } from "../load.ts";
import { startPypiserver } from "../rivals/python-indexes.ts";
import type { Bench, Scenario } from "../scenario.ts";
import { wheelOf } from "../wheels.ts";

/** P3 for Python: wheels as installers fetch them. */
export const scenario: Scenario = { title: "wheels of 100 KiB against pypiserver", run };

const WHEELS = 50;
const BYTES = 100 * 1024;

async function run(bench: Bench): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-wheels-"));
  bench.stack.defer(() => rm(folder, { recursive: true, force: true }));
  const wheels = Array.from({ length: WHEELS }, (_, at) => wheelOf("files", `1.${at}`, BYTES));
  for (const { filename, bytes } of wheels) await writeFile(join(folder, filename), bytes);
  const api = createApi(bench.server);
  const { pulp_href: repository } = await api.post("repositories/python/python/", {
    name: "files",
  });
  for (const { filename, bytes } of wheels) {
    const form = new FormData();
    form.set("relative_path", filename);
    form.set("repository", repository);
    form.set("file", new Blob([new Uint8Array(bytes)]), filename);
    await api.done(await api.post("content/python/packages/", form));
  }
  const values = { name: "files", base_path: "files", repository };
  await api.done(await api.post("distributions/python/pypi/", values));
  const pypiserver = bench.stack.use(await startPypiserver(folder));
  const load = (url: string, folderPath: string) => (seconds: number) =>
    wrk({ url, paths: wheels.map((w) => `${folderPath}/${w.filename}`), connections: 8 }, seconds);
  await bench.pair({
    name: "GET of a wheel of 100 KiB",
    // As many connections on both sides: what is on its way to many fits in no cache.
    ours: {
      name: "deckle",
      pids: () => bench.pids(),
      load: load(bench.server.contentUrl, "/pulp/content/files"),
    },
    theirs: {
      name: "pypiserver",
      pids: () => processTree(pypiserver.pid),
      load: load(pypiserver.url, "/packages"),
    },
    goals: [{ measure: "cpu", bound: 8, source: "P3: wheels of 100 KiB" }],
  });
}

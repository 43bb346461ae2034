import { randomBytes } from "node:crypto";
import { openAsBlob } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApi } from "../../test/support/api.ts";
import { startNginx } from "../../test/support/nginx.ts";
import { processTree } from "../../test/support/process-tree.ts";
import { wrk } from "../load.ts";
import type { Bench, Goal, Scenario } from "../scenario.ts";

/** P3, H3: bytes of stored files against one nginx worker with the same files. */
export const scenario: Scenario = { title: "local files against nginx", run };

interface Case {
  readonly name: string;
  readonly bytes: number;
  readonly connections: number;
  readonly goals: readonly Goal[];
}

const cpu = (bound: number): Goal => ({ measure: "cpu", bound, source: "H3" });

const CASES: readonly Case[] = [
  {
    ...{ name: "1 KiB", bytes: 1024, connections: 32 },
    goals: [cpu(0.2), { measure: "cpuMs", bound: 0.06, source: "warm answer of 1 KiB" }],
  },
  { name: "100 KiB", bytes: 102_400, connections: 32, goals: [cpu(0.4)] },
  { name: "1 MiB", bytes: 1_048_576, connections: 32, goals: [cpu(0.6)] },
  {
    ...{ name: "100 MiB", bytes: 104_857_600, connections: 4 },
    goals: [cpu(0.4), { measure: "rate", bound: 0.9, source: "H3" }],
  },
];

const fileName = ({ bytes }: Case): string => `${bytes}.bin`;

async function run(bench: Bench): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-files-"));
  bench.stack.defer(() => rm(folder, { recursive: true, force: true }));
  for (const each of CASES) await writeFile(join(folder, fileName(each)), randomBytes(each.bytes));
  const base = await publish(bench, folder);
  const nginx = bench.stack.use(await startNginx(folder, false));
  for (const each of CASES) {
    const { name, connections, goals } = each;
    const load = (url: string) => (seconds: number) => wrk({ url, connections }, seconds);
    await bench.pair({
      name: `GET of ${name}`,
      ours: { name: "deckle", pids: () => bench.pids(), load: load(base + fileName(each)) },
      theirs: {
        name: "nginx",
        pids: () => processTree(nginx.pid),
        load: load(`${nginx.url}/${fileName(each)}`),
      },
      goals,
    });
  }
}

/** Uploads and publishes the files of a folder; the address they are served below. */
async function publish(bench: Bench, folder: string): Promise<string> {
  const api = createApi(bench.server);
  const repository = await api.post("repositories/file/file/", { name: "files" });
  for (const each of CASES) {
    const form = new FormData();
    form.set("relative_path", fileName(each));
    form.set("repository", repository.pulp_href);
    form.set("file", await openAsBlob(join(folder, fileName(each))));
    await api.done(await api.post("content/file/files/", form));
  }
  const { pulp_href } = repository;
  await api.done(await api.post("publications/file/file/", { repository: pulp_href }));
  const distribution = { name: "files", base_path: "files", repository: pulp_href };
  await api.done(await api.post("distributions/file/file/", distribution));
  return `${bench.server.contentUrl}/pulp/content/files/`;
}

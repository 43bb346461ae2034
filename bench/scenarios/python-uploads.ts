import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Distribution } from "../../test/plugins/python/distributions.ts";
import { createApi } from "../../test/support/api.ts";
import { processTree } from "../../test/support/process-tree.ts";
import { startDevpi, startPypiserver } from "../rivals/python-indexes.ts";
import type { Bench, LoadResult, Scenario, Side } from "../scenario.ts";
import { wheelOf } from "../wheels.ts";

/** P11: 1,000 wheels of 50 KB by 8 uploaders, until all are visible in the index. */
export const scenario: Scenario = { title: "uploads until they are listed", run };

const CLIENTS = 8;
const PER_CLIENT = 125;
const BYTES = 50_000;
const TRIES = 5;

interface Index {
  /** Where files are sent to. */
  readonly uploads: string;
  /** Page of a project. */
  page(project: string): string;
  readonly authorization?: string;
}

async function run(bench: Bench): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-wheels-"));
  bench.stack.defer(() => rm(folder, { recursive: true, force: true }));
  const pypiserver = bench.stack.use(await startPypiserver(folder));
  const devpi = bench.stack.use(await startDevpi());
  const ours = side("deckle", await ownIndex(bench), () => bench.pids());
  const rivals = [
    {
      index: {
        uploads: `${pypiserver.url}/`,
        page: (name: string) => `${pypiserver.url}/simple/${name}/`,
      },
      ...{ name: "pypiserver", pid: pypiserver.pid, bound: 1 },
    },
    {
      index: {
        uploads: devpi.index,
        page: (name: string) => `${devpi.index}+simple/${name}/`,
        authorization: devpi.authorization,
      },
      ...{ name: "devpi", pid: devpi.pid, bound: 3 },
    },
  ];
  for (const { index, name, pid, bound } of rivals)
    await bench.pair({
      name: `${CLIENTS * PER_CLIENT} wheels of 50 KB by ${CLIENTS} clients`,
      ours,
      theirs: side(name, index, () => processTree(pid)),
      goals: [{ measure: "rate", bound, source: "P11" }],
    });
}

async function ownIndex(bench: Bench): Promise<Index> {
  const api = createApi(bench.server);
  const { server } = bench;
  const repository = await api.post("repositories/python/python/", { name: "uploads" });
  const values = { name: "uploads", base_path: "uploads", repository: repository.pulp_href };
  await api.done(await api.post("distributions/python/pypi/", values));
  const url = `${server.apiUrl}/pypi/uploads/`;
  const login = Buffer.from(`${server.username}:${server.password}`).toString("base64");
  return {
    uploads: `${url}legacy/`,
    page: (name) => `${url}simple/${name}/`,
    authorization: `Basic ${login}`,
  };
}

let rounds = 0;

/** A load is one whole round, however long it takes; a warm-up is a tenth of one. */
function side(name: string, index: Index, pids: Side["pids"]): Side {
  const load = async (seconds: number): Promise<LoadResult> => {
    rounds += 1;
    const count = seconds <= 1 ? Math.ceil(PER_CLIENT / 10) : PER_CLIENT;
    const hands = Array.from({ length: CLIENTS }, (_, client) => {
      const project = `round-${rounds}-${client}`;
      const wheels = Array.from({ length: count }, (_each, at) =>
        wheelOf(project, `1.${at}`, BYTES),
      );
      return { project, wheels };
    });
    const begun = performance.now();
    await Promise.all(
      hands.map(async ({ project, wheels }) => {
        for (const file of wheels) await upload(index, project, file);
        await untilListed(index, project, wheels);
      }),
    );
    const elapsed = (performance.now() - begun) / 1000;
    return { operations: count * CLIENTS, seconds: elapsed, errors: 0 };
  };
  return { name, pids, load };
}

async function upload(index: Index, project: string, file: Distribution): Promise<void> {
  const form = new FormData();
  const version = file.filename.split("-")[1] ?? "";
  const fields = {
    ...{ ":action": "file_upload", protocol_version: "1", metadata_version: "2.1" },
    ...{ name: project, version, filetype: "bdist_wheel", pyversion: "py3" },
    sha256_digest: file.sha256,
  };
  for (const [key, value] of Object.entries(fields)) form.set(key, value);
  form.set("content", new Blob([new Uint8Array(file.bytes)]), file.filename);
  const headers = index.authorization ? { authorization: index.authorization } : {};
  for (let tries = 1; ; tries += 1) {
    const answer = await fetch(index.uploads, { method: "POST", body: form, headers });
    const text = await answer.text();
    if (answer.ok) return;
    // As twine does: a server that is busy is asked again.
    if (answer.status < 500 || tries === TRIES)
      throw new Error(`${index.uploads} answers ${answer.status}: ${text}`);
  }
}

async function untilListed(
  { page, authorization }: Index,
  project: string,
  wheels: readonly Distribution[],
): Promise<void> {
  const headers = authorization ? { authorization } : {};
  for (;;) {
    const text = await (await fetch(page(project), { headers })).text();
    if (wheels.every(({ filename }) => text.includes(`>${filename}<`))) return;
    await sleep(20);
  }
}

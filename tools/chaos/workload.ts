import { createHash } from "node:crypto";
import { type Answer, type Api, ApiError } from "../../test/support/api.ts";
import type { FileUpstream } from "../../test/support/file-upstream.ts";
import type { Random } from "./random.ts";

/** What clients do at once, and what they remember of the answers. */
export interface Workload {
  /** Makes the repositories, once, before the first kill. */
  prepare(api: Api): Promise<void>;
  /** Works with several clients until the signal; a broken connection is what it is here for. */
  run(api: Api, signal: AbortSignal): Promise<void>;
  /** What was acknowledged and is not there, or is there by half. */
  verify(api: Api, contentUrl: string): Promise<readonly string[]>;
  summary(): string;
}

interface Acknowledged {
  /** Units by href with the digest that they were uploaded with. */
  readonly units: Map<string, string>;
  /** Artifacts by href. */
  readonly artifacts: Map<string, string>;
  /** Versions that a completed task named. */
  readonly versions: Set<string>;
  counts: { done: number; broken: number };
}

type Step = (api: Api) => Promise<void>;

export function createWorkload(random: Random, upstream: FileUpstream): Workload {
  const known: Acknowledged = {
    units: new Map(),
    artifacts: new Map(),
    versions: new Set(),
    counts: { done: 0, broken: 0 },
  };
  const repositories: string[] = [];
  const steps = createSteps({ random, known, repositories });
  return {
    async prepare(api) {
      const remotes = await Promise.all(
        ["on_demand", "immediate"].map((policy) => remoteOf(api, upstream, policy)),
      );
      for (const [index, remote] of [...remotes, ...remotes].entries()) {
        const body = { name: `chaos-${index}`, remote, autopublish: index % 2 === 0 };
        const { pulp_href } = await api.post("repositories/file/file/", body);
        repositories.push(pulp_href);
        const serve = {
          name: `chaos-${index}`,
          base_path: `chaos-${index}`,
          repository: pulp_href,
        };
        await api.done(await api.post("distributions/file/file/", serve));
      }
    },
    async run(api, signal) {
      await Promise.all(
        Array.from({ length: 4 }, () => client({ api, random, steps, known, signal })),
      );
    },
    verify: (api, contentUrl) => verify({ api, contentUrl, known, repositories }),
    summary: () => `${known.counts.done} operations done, ${known.counts.broken} broken`,
  };
}

async function remoteOf(api: Api, upstream: FileUpstream, policy: string): Promise<string> {
  const body = { name: policy, url: upstream.manifestUrl, policy };
  return (await api.post("remotes/file/file/", body)).pulp_href;
}

interface Client {
  readonly api: Api;
  readonly random: Random;
  readonly steps: readonly Step[];
  readonly known: Acknowledged;
  readonly signal: AbortSignal;
}

async function client({ api, random, steps, known, signal }: Client): Promise<void> {
  while (!signal.aborted) {
    try {
      await Promise.race([random.pick(steps)(api), aborted(signal)]);
      known.counts.done += 1;
    } catch (error) {
      if (isClientFault(error)) throw error;
      known.counts.broken += 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

/** A 400 would mean that the workload itself is wrong; an object that went away meanwhile is not. */
const isClientFault = (error: unknown): boolean =>
  error instanceof ApiError &&
  error.status === 400 &&
  !/does not exist|not found/i.test(error.body);

interface Steps {
  readonly random: Random;
  readonly known: Acknowledged;
  readonly repositories: readonly string[];
}

function createSteps({ random, known, repositories }: Steps): readonly Step[] {
  const remember = (task: Answer) => {
    for (const href of task.created_resources as readonly string[]) {
      if (/\/versions\/\d+\/$/.test(href)) known.versions.add(href);
    }
  };
  const upload: Step = async (api) => {
    const content = random.bytes(1 + random.below(20_000));
    const digest = sha256(content);
    const body = new FormData();
    body.append("relative_path", `up/${digest.slice(0, 12)}`);
    body.append("file", new Blob([content]), "file");
    const task = await api.done(await api.post("content/file/files/", body));
    known.units.set(task.created_resources[0], digest);
  };
  const artifact: Step = async (api) => {
    const content = random.bytes(1 + random.below(200_000));
    const body = new FormData();
    body.append("file", new Blob([content]), "file");
    const { pulp_href } = await api.post("artifacts/", body);
    known.artifacts.set(pulp_href, sha256(content));
  };
  const chunked: Step = async (api) => {
    const content = random.bytes(30_000);
    const { pulp_href } = await api.post("uploads/", { size: content.length });
    for (const start of [20_000, 0, 10_000]) {
      const body = new FormData();
      body.append("file", new Blob([content.subarray(start, start + 10_000)]), "file");
      const headers = { "content-range": `bytes ${start}-${start + 9999}/${content.length}` };
      const response = await api.request("PUT", pulp_href, { body, headers });
      if (!response.ok) throw new Error(`chunk answered ${response.status}`);
    }
    const task = await api.done(await api.post(`${pulp_href}commit/`, { sha256: sha256(content) }));
    known.artifacts.set(task.created_resources[0], sha256(content));
  };
  const sync: Step = async (api) => {
    remember(await api.done(await api.post(`${random.pick(repositories)}sync/`, {})));
  };
  const modify: Step = async (api) => {
    const units = [...known.units.keys()];
    if (units.length === 0) return;
    const change = random.pick(["add_content_units", "remove_content_units"]);
    const body = { [change]: [random.pick(units)] };
    remember(await api.done(await api.post(`${random.pick(repositories)}modify/`, body)));
  };
  const dropVersion: Step = async (api) => {
    const { results } = await api.get(`${random.pick(repositories)}versions/?limit=20&offset=1`);
    if (results.length < 3) return;
    const { pulp_href } = random.pick<{ pulp_href: string }>(results.slice(0, -1));
    const response = await api.request("DELETE", pulp_href);
    known.versions.delete(pulp_href);
    if (response.ok) await api.done(await response.json());
  };
  return [upload, upload, artifact, chunked, sync, modify, modify, dropVersion];
}

interface Verify {
  readonly api: Api;
  readonly contentUrl: string;
  readonly known: Acknowledged;
  readonly repositories: readonly string[];
}

async function verify({
  api,
  contentUrl,
  known,
  repositories,
}: Verify): Promise<readonly string[]> {
  const findings: string[] = [];
  const expectDigest = async (href: string, digest: string) => {
    const found = await api.get(href).catch((error: Error) => ({ sha256: error.message }));
    if (found.sha256 !== digest) findings.push(`${href} was acknowledged, now: ${found.sha256}`);
  };
  for (const [href, digest] of newest(known.units, 40)) await expectDigest(href, digest);
  for (const [href, digest] of newest(known.artifacts, 40)) await expectDigest(href, digest);
  for (const href of [...known.versions].slice(-20)) {
    const response = await api.request("GET", href);
    if (!response.ok) findings.push(`${href} was acknowledged, now: ${response.status}`);
  }
  for (const index of repositories.keys()) {
    findings.push(...(await servedWhole(`${contentUrl}/pulp/content/chaos-${index}/`)));
  }
  return findings;
}

const newest = <Value>(map: ReadonlyMap<string, Value>, count: number) => [...map].slice(-count);

/** What a manifest lists can be downloaded, and is what the manifest says. */
async function servedWhole(base: string): Promise<readonly string[]> {
  const manifest = await fetch(`${base}PULP_MANIFEST`);
  if (manifest.status === 404) return [];
  const lines = (await manifest.text()).split("\n").filter(Boolean);
  const findings: string[] = [];
  for (const line of lines.slice(-10)) {
    const [path = "", digest] = line.split(",");
    const response = await fetch(base + path);
    const found = sha256(Buffer.from(await response.arrayBuffer()));
    if (found !== digest) findings.push(`${base}${path}: ${response.status}, ${found}`);
  }
  return findings;
}

const sha256 = (content: Buffer): string => createHash("sha256").update(content).digest("hex");

import { type Api, ApiError } from "../../test/support/api.ts";
import type { FileUpstream } from "../../test/support/file-upstream.ts";
import { Ledger } from "./ledger.ts";
import type { Random } from "./random.ts";
import { read, stateOf } from "./reader.ts";
import { Refused, type Step } from "./refused.ts";
import { createRegistryWork } from "./registry.ts";
import { AUTOPUBLISHING, created, createSteps, unitForm } from "./steps.ts";
import { type Target, verify } from "./verify.ts";

/** What clients do at once, and what they remember of the answers. */
export interface Workload {
  /** Makes the repositories, once, before the first kill. */
  prepare(api: Api): Promise<void>;
  /** Works with several clients until the signal; a broken connection is what it is here for. */
  run(target: Target, signal: AbortSignal): Promise<void>;
  /**
   * What was acknowledged and is not there, or was seen and must never be.
   *
   * @param isThorough now and then more may be looked at than each time.
   */
  verify(target: Target, isThorough: boolean): Promise<readonly string[]>;
  /** How much was acknowledged so far, by kind. */
  acknowledged(): Readonly<Record<string, number>>;
  readonly ledger: Ledger;
}

const WRITERS = 4;
const READERS = 2;
const FLIP_SIZE = 12;

export function createWorkload(random: Random, upstream: FileUpstream): Workload {
  const ledger = new Ledger();
  const shared: string[] = [];
  const sites = [0, 1, 2, 3].map((n) => `chaos-${n}`);
  const flip = { href: "", sets: [] as string[][], site: "flip", states: [] as string[] };
  let keeper = "";
  const scene = { random, ledger, upstream, shared, keeper: () => keeper, flip: () => flip };
  const registry = createRegistryWork(random, ledger);
  const steps = [...createSteps(scene), ...registry.steps];
  return {
    ledger,
    async prepare(api) {
      for (const [n, site] of sites.entries()) {
        const policy = n % 2 === 0 ? "on_demand" : "immediate";
        const remote = { name: site, url: upstream.manifestUrl, policy };
        const { pulp_href } = await api.post("remotes/file/file/", remote);
        shared.push(await serve(api, site, { remote: pulp_href, autopublish: n < AUTOPUBLISHING }));
      }
      keeper = await serve(api, "keeper", { autopublish: true });
      flip.href = await serve(api, flip.site, { autopublish: true });
      for (const _ of [0, 1]) {
        const { units, state } = await flipSet(api, random);
        flip.sets.push(units);
        flip.states.push(state);
      }
      // Versions that are never deleted protect both sets from the clean-up.
      for (const units of [...flip.sets, flip.sets[0]]) {
        const body = { remove_content_units: ["*"], add_content_units: units };
        await api.done(await api.post(`${flip.href}modify/`, body));
      }
    },
    async run({ api, contentUrl }, signal) {
      ledger.endCleaning();
      const reader = { contentUrl, sites, flip, random, ledger, signal };
      await Promise.all([
        ...Array.from({ length: WRITERS }, () => write({ api, random, steps, ledger, signal })),
        ...Array.from({ length: READERS }, () => read(reader)),
      ]);
    },
    async verify(target) {
      const all = new Map([...pairs(sites, shared), ["keeper", keeper]]);
      const findings = await verify({ ...target, ledger, sites: all });
      return [...findings, ...(await registry.verify(target.api))];
    },
    acknowledged: () => ({
      keptFiles: ledger.kept.size,
      images: ledger.images,
      resumedUploads: ledger.resumed,
      deleted: ledger.gone.size,
    }),
  };
}

const pairs = (names: readonly string[], hrefs: readonly string[]): [string, string][] =>
  names.map((name, n) => [name, hrefs[n] ?? ""]);

/** A repository and its distribution. */
async function serve(api: Api, name: string, options: object): Promise<string> {
  const { pulp_href } = await api.post("repositories/file/file/", { name, ...options });
  const body = { name, base_path: name, repository: pulp_href };
  await api.done(await api.post("distributions/file/file/", body));
  return pulp_href;
}

async function flipSet(api: Api, random: Random) {
  const units: string[] = [];
  const lines: string[] = [];
  for (let n = 0; n < FLIP_SIZE; n += 1) {
    const { body, path, digest } = unitForm(random);
    const size = (body.get("file") as File).size;
    const task = await api.done(await api.post("content/file/files/", body));
    units.push(created(task, "/content/file/files/"));
    lines.push(`${path},${digest},${size}`);
  }
  return { units, state: stateOf(lines.join("\n")) };
}

interface Writer {
  readonly api: Api;
  readonly random: Random;
  readonly steps: readonly Step[];
  readonly ledger: Ledger;
  readonly signal: AbortSignal;
}

async function write({ api, random, steps, ledger, signal }: Writer): Promise<void> {
  while (!signal.aborted) {
    try {
      await random.pick(steps)(api);
      ledger.done += 1;
    } catch (error) {
      judge(error as Error, ledger);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Faults excuse a connection that breaks, a 503 and a task that fails; other errors they do not. */
function judge(error: Error, ledger: Ledger): void {
  if (error instanceof ApiError || error instanceof Refused) {
    const isAbsent = /does not exist|not found|No .* matches|unknown to registry/i.test(error.body);
    const isExcused = [404, 409, 503].includes(error.status) || (error.status === 400 && isAbsent);
    if (isExcused) ledger.count(`${error.status}`);
    else ledger.wrong.push(error.message);
    return;
  }
  const failed = /^task \S+ (\w+): (.*)$/.exec(error.message);
  if (failed) ledger.count(`task ${reasonOf(failed[2] ?? "")}`);
  else if (error instanceof TypeError) ledger.count("connection");
  else ledger.wrong.push(error.message);
}

const reasonOf = (text: string): string => {
  const { reason, description } = (JSON.parse(text) ?? {}) as Record<string, string>;
  return (reason ?? description ?? text).replaceAll(/[0-9a-f-]{36}|[0-9a-f]{64}/g, "…");
};

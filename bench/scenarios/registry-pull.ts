import { setTimeout as sleep } from "node:timers/promises";
import { cpuSeconds, processTree } from "../../test/support/process-tree.ts";
import { wrk } from "../load.ts";
import { startDockerRegistry } from "../reference/docker-registry.ts";
import {
  RegistryClient,
  type RegistryTarget,
  withoutAccess,
  withTokens,
} from "../registry/client.ts";
import type { Bench, Goal, Scenario, Side } from "../scenario.ts";
import { seedTags } from "../seed/tags.ts";

/** P5, P6, H4: what is pulled from a registry, ours asking for a token, against Debian's. */
export const scenario: Scenario = { title: "pulls against docker-registry", run };

const NAME = "bench/app";
const FEW = { tags: 10, name: "bench/few" };
/** Of P5, where nothing may grow with them. */
const MANY = { tags: 100_000, name: "bench/many" };
const MIB = 1_048_576;
/** A hundred MiB may take a while on a machine with other work. */
const PATIENCE_S = 20;

const cpu = (bound: number, source: string): Goal => ({ measure: "cpu", bound, source });

interface Pulled {
  readonly name: string;
  readonly path: string;
  readonly goals: readonly Goal[];
  readonly connections: number;
  readonly seconds?: number;
}

async function run(bench: Bench): Promise<void> {
  const { apiUrl, username, password } = bench.server;
  const theirs = bench.stack.use(await startDockerRegistry());
  const targets = [withTokens(apiUrl, username, password), withoutAccess(theirs.url)] as const;
  const [own] = await Promise.all(targets.map((target) => fill(target)));
  if (!own) throw new Error("nothing was pushed");
  await untilIdle(bench);
  for (const pulled of pulledOf(own)) {
    const load = (target: RegistryTarget) => async (seconds: number) => {
      const { headers } = await RegistryClient.open(target, NAME);
      const { connections, path } = pulled;
      const url = `${target.url}/v2/${NAME}/${path}`;
      return wrk({ url, headers, connections, patienceS: PATIENCE_S }, seconds);
    };
    await bench.pair({
      name: pulled.name,
      ours: { name: "deckle", pids: () => bench.pids(), load: load(targets[0]) },
      theirs: {
        name: "docker-registry",
        pids: () => processTree(theirs.pid),
        load: load(targets[1]),
      },
      goals: pulled.goals,
      ...(pulled.seconds === undefined ? {} : { seconds: pulled.seconds }),
    });
  }
  await growing(bench, targets[0]);
}

const IDLE_SHARE = 0.05;
const IDLE_LIMIT_MS = 60_000;

/** What a server does after its start is none of what pulls cost. */
async function untilIdle(bench: Bench): Promise<void> {
  const limit = Date.now() + IDLE_LIMIT_MS;
  let spent = Number.POSITIVE_INFINITY;
  while (spent > IDLE_SHARE && Date.now() < limit) {
    const before = await cpuSeconds(await bench.pids());
    await sleep(1000);
    spent = (await cpuSeconds(await bench.pids())) - before;
  }
}

interface Filled {
  readonly digest: string;
  readonly blobs: readonly { readonly size: number; readonly digest: string }[];
}

/** The same manifest and blobs everywhere. */
async function fill(target: RegistryTarget): Promise<Filled> {
  const client = await RegistryClient.open(target, NAME);
  const digest = await client.pushImage("latest", Buffer.alloc(1000, "layer"));
  const blobs: { size: number; digest: string }[] = [];
  for (const size of [MIB, 100 * MIB]) {
    blobs.push({ size, digest: await client.pushBlob(Buffer.alloc(size, "deckle")) });
  }
  return { digest, blobs };
}

const pulledOf = ({ digest, blobs }: Filled): readonly Pulled[] => [
  ...[
    { name: "manifest by tag", path: "manifests/latest" },
    { name: "manifest by digest", path: `manifests/${digest}` },
  ].map((pulled) => ({
    ...{ ...pulled, connections: 8 },
    goals: [cpu(25, "H4"), { measure: "cpuMs" as const, bound: 0.08, source: "H4" }],
  })),
  ...blobs.map(({ size, digest }) => ({
    ...{ name: `blob of ${size / MIB} MiB`, path: `blobs/${digest}` },
    connections: size === MIB ? 8 : 2,
    goals: [size === MIB ? cpu(3, "P6") : cpu(1, "P6")],
    // Each of the clients has to get through at least one.
    ...(size === MIB ? {} : { seconds: 8 }),
  })),
];

/** Against itself: a repository of many tags answers as one of few, from memory and not. */
async function growing(bench: Bench, target: RegistryTarget): Promise<void> {
  for (const { tags, name } of [FEW, MANY]) await tagged(bench, target, { tags, name });
  for (const { about, path } of GROWING) {
    const side = ({ tags, name }: Tagged): Side => ({
      ...{ name: `${tags} tags`, pids: () => bench.pids() },
      load: async (seconds) => {
        const { headers } = await RegistryClient.open(target, name);
        return wrk({ url: `${target.url}/v2/${name}/${path}`, headers, connections: 32 }, seconds);
      },
    });
    await bench.pair({
      ...{ name: `${about} beside ${MANY.tags} tags, against ${FEW.tags}` },
      ...{ ours: side(MANY), theirs: side(FEW) },
      goals: [{ measure: "slowdown", bound: 1.1, source: "P5" }],
    });
  }
}

interface Tagged {
  readonly tags: number;
  readonly name: string;
}

const GROWING = [
  { about: "manifest by tag", path: "manifests/t1" },
  { about: "first tags", path: "tags/list?n=8" },
  // Pages after a name are made anew each time.
  { about: "next tags", path: "tags/list?n=8&last=t0" },
] as const;

/** All with one manifest. */
async function tagged(bench: Bench, target: RegistryTarget, { tags, name }: Tagged): Promise<void> {
  const client = await RegistryClient.open(target, name);
  await client.pushImage("t0", 100);
  await seedTags(bench.databaseUrl, name, tags - 1);
}

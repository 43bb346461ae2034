import { randomBytes } from "node:crypto";
import { processTree } from "../../test/support/process-tree.ts";
import { wrk } from "../load.ts";
import { startDockerRegistry } from "../reference/docker-registry.ts";
import {
  RegistryClient,
  type RegistryTarget,
  withoutAccess,
  withTokens,
} from "../registry/client.ts";
import type { Bench, Goal, Scenario } from "../scenario.ts";

/** P5, P6, H4: what is pulled from a registry, ours asking for a token, against Debian's. */
export const scenario: Scenario = { title: "pulls against docker-registry", run };

const NAME = "bench/app";
const FEW = 10;
/** Of P5, where nothing may grow with them; more would take longer to push than to measure. */
const MANY = 2000;
const MIB = 1_048_576;

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
  for (const pulled of pulledOf(own)) {
    const load = (target: RegistryTarget) => async (seconds: number) => {
      const { headers } = await RegistryClient.open(target, NAME);
      const { connections } = pulled;
      return wrk({ url: `${target.url}/v2/${NAME}/${pulled.path}`, headers, connections }, seconds);
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

interface Filled {
  readonly digest: string;
  readonly blobs: readonly { readonly size: number; readonly digest: string }[];
}

/** The same manifest and blobs everywhere. */
async function fill(target: RegistryTarget): Promise<Filled> {
  const client = await RegistryClient.open(target, NAME);
  const digest = await client.pushImage("latest", 1000);
  const blobs: { size: number; digest: string }[] = [];
  for (const size of [MIB, 100 * MIB]) {
    blobs.push({ size, digest: await client.pushBlob(Buffer.alloc(size, "deckle")) });
  }
  return { digest, blobs };
}

const pulledOf = ({ blobs }: Filled): readonly Pulled[] => [
  {
    ...{ name: "manifest by tag", path: "manifests/latest", connections: 8 },
    goals: [cpu(25, "H4"), { measure: "cpuMs", bound: 0.08, source: "H4" }],
  },
  ...blobs.map(({ size, digest }) => ({
    ...{ name: `blob of ${size / MIB} MiB`, path: `blobs/${digest}` },
    connections: size === MIB ? 8 : 2,
    goals: [size === MIB ? cpu(3, "P6") : cpu(1, "P6")],
    // Each of the clients has to get through at least one.
    ...(size === MIB ? {} : { seconds: 8 }),
  })),
];

/** By digest against itself: a repository of many tags answers as one of few. */
async function growing(bench: Bench, target: RegistryTarget): Promise<void> {
  const sides = await Promise.all(
    [FEW, MANY].map(async (tags) => {
      const name = `bench/tags-${tags}`;
      const client = await RegistryClient.open(target, name);
      const bytes = randomBytes(100);
      const part = { digest: await client.pushBlob(bytes), size: bytes.length };
      const manifest = {
        ...{ schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json" },
        config: { mediaType: "application/vnd.example.config", ...part },
        layers: [],
      };
      for (let n = 0; n < tags; n += 20) {
        const batch = Array.from({ length: Math.min(20, tags - n) }, (_, i) => `t${n + i}`);
        await Promise.all(batch.map((tag) => client.pushManifest(tag, manifest)));
      }
      const load = async (seconds: number) => {
        const { headers } = await RegistryClient.open(target, name);
        const url = `${target.url}/v2/${name}/manifests/t1`;
        return wrk({ url, headers, connections: 32 }, seconds);
      };
      return { name: `${tags} tags`, pids: () => bench.pids(), load };
    }),
  );
  const [few, many] = sides;
  if (!few || !many) throw new Error("two sides are compared");
  await bench.pair({
    ...{ name: "manifest beside many tags", ours: many, theirs: few },
    goals: [{ measure: "slowdown", bound: 1.1, source: "P5" }],
  });
}

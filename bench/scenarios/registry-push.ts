import { processTree } from "../../test/support/process-tree.ts";
import { loop } from "../load.ts";
import { startDockerRegistry } from "../reference/docker-registry.ts";
import {
  RegistryClient,
  type RegistryTarget,
  withoutAccess,
  withTokens,
} from "../registry/client.ts";
import type { Bench, Goal, Scenario } from "../scenario.ts";

/** P7, H5: images of one new layer, pushed by eight clients, against Debian's registry. */
export const scenario: Scenario = { title: "pushes against docker-registry", run };

const CLIENTS = 8;

interface Case {
  readonly kib: number;
  readonly goals: readonly Goal[];
  /** Some thousand pushes: until then V8 compiles what it runs, and the server's first schedules are due. */
  readonly warmUpSeconds?: number;
}

const CASES: readonly Case[] = [
  { kib: 64, warmUpSeconds: 12, goals: [{ measure: "rate", bound: 4, source: "H5" }] },
  { kib: 1024, goals: [{ measure: "rate", bound: 2, source: "H5" }] },
  { kib: 10_240, goals: [{ measure: "rate", bound: 1.5, source: "H5" }] },
];

async function run(bench: Bench): Promise<void> {
  const { apiUrl, username, password } = bench.server;
  const theirs = bench.stack.use(await startDockerRegistry());
  for (const { kib, goals, warmUpSeconds = 0 } of CASES) {
    await bench.pair({
      name: `pushes of ${kib} KiB`,
      ours: {
        name: "deckle",
        pids: () => bench.pids(),
        load: pushes(withTokens(apiUrl, username, password), kib),
      },
      theirs: {
        name: "docker-registry",
        pids: () => processTree(theirs.pid),
        load: pushes(withoutAccess(theirs.url), kib),
      },
      warmUpSeconds,
      goals,
    });
  }
}

const pushes = (target: RegistryTarget, kib: number) => async (seconds: number) => {
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, (_, n) => RegistryClient.open(target, `bench/push-${n}`)),
  );
  const free = [...clients];
  const push = async () => {
    const client = free.pop();
    if (!client) throw new Error("there are as many clients as loops");
    await client.pushImage("latest", kib * 1024);
    free.push(client);
  };
  return loop(push, seconds, CLIENTS);
};

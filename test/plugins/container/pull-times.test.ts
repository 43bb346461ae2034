import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Settings } from "#platform/config/settings.ts";
import { createRegistryWorld, type RegistryWorld } from "./registry-world.ts";

const every = (seconds: number) =>
  ({ settings: { REGISTRY_PULL_TIMES_INTERVAL: seconds } as Partial<Settings> }) as const;

async function times(world: RegistryWorld, kind: "tags" | "manifests") {
  const { body } = await world.get(`content/container/${kind}/`);
  return new Map<string, string | null>(
    body.results.map((one: { name?: string; digest?: string; last_pulled: string | null }) => [
      one.name ?? one.digest,
      one.last_pulled,
    ]),
  );
}

/** Until the next write. */
async function until(isDone: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (await isDone()) return;
    await sleep(100);
  }
  throw new Error("nothing was written");
}

test("a tag and its manifest tell when somebody asked for them", async (t) => {
  const world = await createRegistryWorld(t, every(1));
  const started = Date.now();
  const used = await world.pushImage("team/app", "used", "used");
  const pinned = await world.pushImage("team/app", "pinned", "pinned");
  const idle = await world.pushImage("team/app", "idle", "idle");

  const pulls = () =>
    Promise.all([
      world.ask("HEAD", "/v2/team/app/manifests/used"),
      world.ask("GET", `/v2/team/app/manifests/${pinned}`),
      world.ask("GET", "/v2/team/app/manifests/nothing"),
    ]);
  const statements = await world.statementsOf(async () => {
    for (let n = 0; n < 20; n += 1) await pulls();
  });
  assert.equal(statements.filter((text) => text.includes("container_pull")).length <= 1, true);
  await until(async () => (await times(world, "tags")).get("used") !== null);

  const tags = await times(world, "tags");
  const manifests = await times(world, "manifests");
  const at = new Date(String(tags.get("used"))).getTime();
  assert.ok(at >= started - 1000 && at <= Date.now(), String(tags.get("used")));
  assert.notEqual(manifests.get(used), null);
  assert.notEqual(manifests.get(pinned), null, "by digest");
  assert.notEqual(tags.get("pinned"), null, "a tag is used if its manifest is");
  assert.equal(tags.get("idle"), null);
  assert.equal(manifests.get(idle), null);
});

test("with 0 nothing is noted", async (t) => {
  const world = await createRegistryWorld(t, every(0));
  await world.pushImage("team/app", "used", "used");

  const statements = await world.statementsOf(async () => {
    await world.ask("GET", "/v2/team/app/manifests/used");
    await sleep(50);
  });

  assert.ok(!statements.some((text) => text.includes("container_pull")));
  assert.equal((await times(world, "tags")).get("used"), null);
});

import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { type TestContext, test } from "node:test";
import { createMirrorWorld } from "./mirror-world.ts";

const TAGS = Number(process.env.DECKLE_REGISTRY_TAGS ?? 300);

/** A registry in a process of its own: what it costs is not the sync's. */
async function startRegistry(t: TestContext): Promise<string> {
  const child: ChildProcess = fork(new URL("./large-registry.ts", import.meta.url), [String(TAGS)]);
  t.after(() => child.kill());
  return new Promise<string>((resolve) => child.once("message", (url) => resolve(String(url))));
}

test(`${TAGS} tags on demand, and again`, async (t) => {
  const statements: string[] = [];
  const world = await createMirrorWorld(t, { onStatement: (text) => void statements.push(text) });
  const url = await startRegistry(t);
  const remote = await world.addRemote({}, { url, policy: "on_demand", download_concurrency: 20 });
  const repository = await world.addRepository();
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 50);
  t.after(() => clearInterval(timer));
  const run = async (name: string): Promise<number> => {
    statements.length = 0;
    const start = performance.now();
    await world.sync({ remote, repository, mirror: true });
    const ms = Math.round(performance.now() - start);
    const count = statements.length;
    t.diagnostic(`${name}: ${ms} ms, ${count} statements, peak ${Math.round(peak / 1e6)} MB`);
    return count;
  };

  await run("new");
  const again = await run("same");

  assert.ok(again < 60 + TAGS / 10, `${again} statements`);
  assert.equal((await world.tags(repository)).length, TAGS);
  assert.deepEqual(await world.versions(repository), [0, 1]);
});

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Worker } from "node:worker_threads";
import { createMirrorWorld } from "./mirror-world.ts";

const PROJECTS = Number(process.env.DECKLE_MIRROR_PROJECTS ?? 200);
const FILES = 20;

/** An index of its own thread: what it costs is not the sync's. */
async function startIndex(t: TestContext, counts: boolean): Promise<{ url: string }> {
  const worker = new Worker(new URL("./large-index.ts", import.meta.url), {
    workerData: { projects: PROJECTS, files: FILES, counts },
  });
  t.after(() => worker.terminate());
  const url = await new Promise<string>((resolve) => worker.once("message", resolve));
  return { url };
}

for (const counts of [true, false]) {
  test(`${PROJECTS} projects on demand, again and with a change (upstream counts: ${counts})`, async (t) => {
    const statements: string[] = [];
    const world = await createMirrorWorld(t, { onStatement: (text) => void statements.push(text) });
    const { url } = await startIndex(t, counts);
    const remote = await world.addRemote({}, { url });
    const repository = await world.addRepository();
    const before = process.memoryUsage.rss();
    let peak = 0;
    const timer = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss());
    }, 50);
    t.after(() => clearInterval(timer));
    const run = async (name: string) => {
      statements.length = 0;
      const start = performance.now();
      await world.sync({ remote, repository, mirror: true });
      const ms = Math.round(performance.now() - start);
      t.diagnostic(
        `${name}: ${ms} ms, ${statements.length} statements, ${Math.round(before / 1e6)} to ${Math.round(peak / 1e6)} MB`,
      );
    };

    await run("new");
    await run("same");
    assert.ok(statements.length < 60 + PROJECTS / 100, `${statements.length} statements`);
    await fetch(`${url}/change`);
    await run("one changed");

    assert.equal((await world.filenames(repository)).length, PROJECTS * FILES + 1);
    assert.deepEqual(await world.versions(repository), [0, 1, 2]);
  });
}

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Worker } from "node:worker_threads";
import { sql } from "kysely";
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

/** Connections of a context. */
const CONNECTIONS = 8;

/** Rows that statements have read so far, along indexes and beside them. */
async function rowsRead({ ctx }: Awaited<ReturnType<typeof createMirrorWorld>>): Promise<number> {
  // Each connection keeps its counts to itself for a while.
  const flush = sql`select pg_stat_force_next_flush(), pg_sleep(0.1)`;
  await Promise.all(Array.from({ length: CONNECTIONS }, () => flush.execute(ctx.db)));
  const { rows } = await sql<{ read: number }>`
    select ((select sum(idx_tup_read) from pg_stat_user_indexes)
      + (select sum(seq_tup_read) from pg_stat_user_tables))::float8 as read`.execute(ctx.db);
  return rows[0]?.read ?? 0;
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

    const readBefore = await rowsRead(world);
    await run("new");
    // Pages come one by one, and are looked up in the batches that their arrival makes.
    assert.ok(statements.length < 100 + PROJECTS, `${statements.length} statements`);
    const read = (await rowsRead(world)) - readBefore;
    t.diagnostic(`rows read per file: ${read / (PROJECTS * FILES)}`);
    assert.ok(read < 15 * PROJECTS * FILES, `${read} rows read`);
    await run("same");
    assert.ok(statements.length < 60 + PROJECTS / 100, `${statements.length} statements`);
    await fetch(`${url}/change`);
    await run("one changed");

    assert.equal((await world.filenames(repository)).length, PROJECTS * FILES + 1);
    assert.deepEqual(await world.versions(repository), [0, 1, 2]);
  });
}

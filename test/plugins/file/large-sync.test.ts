import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { UNITS_PER_BATCH } from "#core/sync/members.ts";
import { createFileWorld, sha256 } from "./support.ts";

const COUNT = 10_000;
/**
 * Statements of one batch of on-demand units, all new or all known (data-model §18, 16: 9 and 4), beside
 * the ends of their transactions.
 */
const PER_BATCH = { new: 13, known: 7 };
/** Opening, completing and remembering. */
const AROUND = 25;

const contentOf = (index: number): string => `file ${index} `.padEnd(1024, "x");

function manifestOf(count: number, edit: (index: number) => string = contentOf): string {
  const lines: string[] = [];
  for (let index = 0; index < count; index += 1)
    lines.push(`dir${index % 100}/file-${index}.bin,${sha256(edit(index))},1024`);
  return `${lines.join("\n")}\n`;
}

const serve = (text: string) => (_request: unknown, response: ServerResponse) => {
  response.end(text);
};

/** Megabytes of this process. */
const residentMb = () => process.memoryUsage.rss() / 1024 / 1024;

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Megabytes that are in use, not waiting for collection. */
function liveMb(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1024 / 1024;
}

test(`an on-demand sync of ${COUNT} files costs a bounded number of statements`, async (t) => {
  const statements: string[] = [];
  const world = await createFileWorld(t, { onStatement: (text) => void statements.push(text) });
  world.upstream.on("/PULP_MANIFEST", serve(manifestOf(COUNT)));
  const remote = await world.addRemote({ policy: "on_demand" });
  const repository = await world.addRepository();

  statements.length = 0;
  const start = performance.now();
  await world.sync({ remote, repository });
  t.diagnostic(
    `on demand, new: ${Math.round(performance.now() - start)} ms, ${statements.length} statements`,
  );

  assert.equal(world.upstream.requests.length, 1);
  assert.ok(
    statements.length <= AROUND + PER_BATCH.new * (COUNT / UNITS_PER_BATCH),
    `${statements.length}`,
  );
  assert.equal((await world.counts())?.units, COUNT);

  statements.length = 0;
  const again = performance.now();
  await world.sync({ remote, repository, optimize: false });
  t.diagnostic(
    `on demand, known: ${Math.round(performance.now() - again)} ms, ${statements.length} statements`,
  );

  assert.ok(
    statements.length <= AROUND + PER_BATCH.known * (COUNT / UNITS_PER_BATCH),
    `${statements.length}`,
  );
  assert.deepEqual(await world.versions(repository), [0, 1]);
});

test(`an immediate sync of ${COUNT} small files stays within its memory`, async (t) => {
  const statements: string[] = [];
  const world = await createFileWorld(t, { onStatement: (text) => void statements.push(text) });
  let most = 0;
  world.upstream.on("/PULP_MANIFEST", serve(manifestOf(COUNT)));
  world.upstream.otherwise((request, response) => {
    const index = Number(/file-(\d+)\.bin$/.exec(request.path)?.[1]);
    if (index % 2500 === 0) most = Math.max(most, liveMb());
    // What the stand-in remembers of ten thousand requests is not the sync's.
    world.upstream.requests.length = 0;
    response.end(contentOf(index));
  });
  const remote = await world.addRemote();
  const repository = await world.addRepository();

  const before = liveMb();
  const start = performance.now();
  const job = await world.sync({ remote, repository });
  t.diagnostic(
    `immediate: ${Math.round(performance.now() - start)} ms, ${statements.length} statements, ` +
      `${Math.round(before)} MB before, ${Math.round(most)} MB at most, ` +
      `${Math.round(residentMb())} MB resident`,
  );

  assert.equal(job.report("sync.downloading.artifacts")?.done, COUNT);
  assert.equal((await world.counts())?.artifacts, COUNT);
  assert.ok(world.upstream.load.most <= 10);
  assert.ok(most - before < 40, `${most - before} MB more`);
});

test("300 000 files on demand stay within the memory of a task child", {
  skip: !process.env.DECKLE_TEST_LARGE,
}, async (t) => {
  const world = await createFileWorld(t);
  const digest = "ab".repeat(32);
  world.upstream.on("/PULP_MANIFEST", (_request, response) => {
    const lines = (from: number) => {
      let text = "";
      for (let index = from; index < from + 1000; index += 1)
        text += `some/folder/${index % 500}/file-${index}.bin,${digest},1024\n`;
      return text;
    };
    for (let from = 0; from < 300_000; from += 1000) response.write(lines(from));
    response.end();
  });
  const remote = await world.addRemote({ policy: "on_demand" });
  const repository = await world.addRepository();

  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, residentMb());
  }, 100);
  const start = performance.now();
  await world.sync({ remote, repository });
  clearInterval(timer);
  t.diagnostic(`${Math.round(performance.now() - start)} ms, ${Math.round(most)} MB at most`);

  assert.ok(most < 250, `${most} MB`);
});

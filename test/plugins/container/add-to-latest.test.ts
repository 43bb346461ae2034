import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { sql } from "kysely";
import { addToLatest, createRepository, openVersion } from "#core/repositories/commands.ts";
import { inTransaction } from "#core/transaction.ts";
import { addPending } from "#plugins/container/pending.ts";
import { createJob } from "../../support/job.ts";
import { putBlobs, putImage, putTag } from "./images.ts";
import { createContainerApi, latestMembers, versionNumbers } from "./support.ts";

async function createWorld(t: TestContext, names: readonly string[]) {
  const api = await createContainerApi(t);
  const { ctx, domain } = api;
  const ids: string[] = [];
  for (const name of names) {
    ids.push((await createRepository(ctx, { domain, type: "container.container", name })).id);
  }
  const add = (wanted: ReadonlyMap<string, readonly string[]>) =>
    inTransaction(ctx, undefined, (trx) => addToLatest(ctx, trx, { domain, wanted }));
  return { api, ctx, domain, ids, add };
}

const countsOf = async (ctx: Awaited<ReturnType<typeof createWorld>>["ctx"], id: string) => {
  const { rows } = await sql<{ counts: unknown }>`
    select v.counts from repository_version v join repository r on r.num = v.repository
    where r.id = ${id} order by v.number desc limit 1`.execute(ctx.db);
  return rows[0]?.counts;
};

test("several repositories get their versions at once, each with its own units", async (t) => {
  const { api, ctx, domain, ids, add } = await createWorld(t, ["a", "b"]);
  const [a = "", b = ""] = ids;
  const image = await putImage(api, { layers: ["x"] });
  const blobs = await putBlobs(api, ["y"]);
  await addPending(ctx.db, { id: a, domain: domain.num }, image.units);

  const added = await add(
    new Map([
      [a, image.units],
      [b, blobs],
    ]),
  );

  assert.deepEqual([added.get(a)?.version?.number, added.get(b)?.version?.number], [1, 1]);
  assert.equal((await latestMembers(ctx, a)).length, image.units.length);
  assert.equal((await latestMembers(ctx, b)).length, 1);
  assert.deepEqual(await countsOf(ctx, a), {
    present: { "container.blob": 2, "container.manifest": 1 },
    added: { "container.blob": 2, "container.manifest": 1 },
    removed: {},
  });
  const { rows } = await sql`select from container_pending`.execute(ctx.db);
  assert.equal(rows.length, 0, "what a version has is no longer pending");
});

test("a tag takes the place of the one of its name, and what is there makes no version", async (t) => {
  const { api, ctx, ids, add } = await createWorld(t, ["a"]);
  const [a = ""] = ids;
  const [old, next] = [
    await putImage(api, { layers: ["x"] }),
    await putImage(api, { layers: ["y"] }),
  ];
  await add(new Map([[a, [...old.units, await putTag(api, "1", old.manifest)]]]));

  const tag = await putTag(api, "1", next.manifest);
  await add(new Map([[a, [...next.units, tag]]]));
  const again = await add(new Map([[a, [...next.units, tag]]]));

  assert.equal(again.get(a)?.version, undefined);
  assert.deepEqual(await versionNumbers(ctx, a), [0, 1, 2]);
  const tags = (await latestMembers(ctx, a)).filter((text) => text.includes(" → "));
  assert.deepEqual(tags, [`1 → ${next.digest}`]);
  assert.partialDeepStrictEqual(await countsOf(ctx, a), {
    removed: { "container.tag": 1 },
    present: { "container.tag": 1, "container.manifest": 2 },
  });
});

test("what is not plain is left alone, and the others are served", async (t) => {
  const names = ["plain", "filling", "lacking", "twice", "locked"];
  const { api, ctx, ids, add } = await createWorld(t, names);
  const [plain = "", filling = "", lacking = "", twice = "", locked = ""] = ids;
  const image = await putImage(api);
  const other = await putImage(api, { layers: ["other"] });
  await openVersion(createJob(api), filling);
  const missing = "019b0000-0000-7000-8000-000000000000";
  const tags = [await putTag(api, "1", image.manifest), await putTag(api, "1", other.manifest)];
  const wanted = new Map([
    [plain, image.units],
    [filling, image.units],
    [lacking, [...image.units, missing]],
    [twice, tags],
    [locked, image.units],
  ]);

  const added = await ctx.db.transaction().execute(async (holder) => {
    await sql`select from repository where id = ${locked} for update`.execute(holder);
    return add(wanted);
  });

  assert.deepEqual([...added.keys()], [plain]);
  for (const id of [lacking, twice, locked]) assert.deepEqual(await versionNumbers(ctx, id), [0]);
});

test("many repositories take as many statements as one", async (t) => {
  const names = Array.from({ length: 20 }, (_, n) => `r${n}`);
  const { api, ids, add } = await createWorld(t, names);
  const units = await putBlobs(api, ["x"]);
  const [first = "", ...others] = ids;

  const one = await api.statementsOf(() => add(new Map([[first, units]])));
  const many = await api.statementsOf(() => add(new Map(others.map((id) => [id, units]))));

  assert.equal(many.length, one.length);
  assert.ok(one.length <= 7, `${one.length} statements`);
});

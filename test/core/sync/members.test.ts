import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { UnitInput } from "#core/content/types.ts";
import type { Ctx } from "#core/ctx.ts";
import { openRemote } from "#core/remotes/commands.ts";
import { openVersion } from "#core/repositories/commands.ts";
import { syncRepository } from "#core/sync/commands.ts";
import { SyncMembers, UNITS_PER_BATCH } from "#core/sync/members.ts";
import type { DeclaredUnit } from "#core/sync/types.ts";
import { createCoreWorld, fileType, unitOf } from "../../support/core-world.ts";

const rowOf = (index: number): UnitInput["row"] => unitOf(`f${index}`).row;

async function createMembers(t: TestContext) {
  const world = await createCoreWorld(t);
  const { job } = world;
  const draft = await openVersion(job, (await world.repository()).id);
  const progress = job.progress({ code: "associating.content", message: "Associating" });
  const members = new SyncMembers(job, draft, progress);
  let next = 0;
  const add = async (count: number): Promise<void> => {
    for (const end = next + count; next < end; next += 1)
      await members.add(fileType, { row: rowOf(next), files: [] });
  };
  return { ...world, members, add };
}

/** Lets nobody save a unit until it is disposed. */
async function holdUnits({ db }: Pick<Ctx, "db">): Promise<AsyncDisposable> {
  const [held, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const over = db.transaction().execute(async (trx) => {
    await sql`lock table content in share mode`.execute(trx);
    held.resolve();
    await release.promise;
  });
  await held.promise;
  return {
    async [Symbol.asyncDispose]() {
      release.resolve();
      await over;
    },
  };
}

async function unitCount({ db }: Pick<Ctx, "db">): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*)::int as n from content`.execute(db);
  return rows[0]?.n ?? 0;
}

test("units are taken while a batch is saved, but never more than another batch", async (t) => {
  const { ctx, members, add } = await createMembers(t);
  let isTaken = false;
  let last: Promise<void>;
  {
    await using _held = await holdUnits(ctx);

    await add(2 * UNITS_PER_BATCH - 1);
    last = add(1).then(() => {
      isTaken = true;
    });
    await sleep(100);

    assert.ok(!isTaken);
    assert.equal(await unitCount(ctx), 0);
  }
  await last;
  await members.flush();
  assert.equal(await unitCount(ctx), 2 * UNITS_PER_BATCH);
});

test("whoever comes after a batch that failed hears of it, and so does the end", async (t) => {
  const { members, add } = await createMembers(t);
  await members.add(fileType, { row: { ...rowOf(-1), digest: Buffer.alloc(1) }, files: [] });
  await add(UNITS_PER_BATCH - 1);

  await assert.rejects(add(UNITS_PER_BATCH), /check constraint/);
  await assert.rejects(members.flush(), /check constraint/);
  await members[Symbol.asyncDispose]();
});

test("what is being saved when a sync fails leaves no version behind", async (t) => {
  const { ctx, domain, job, repository: addRepository } = await createCoreWorld(t);
  const repository = await addRepository();
  const { id: remoteId } = await ctx.db
    .insertInto("remote")
    .values({
      id: uuid7(),
      domain: domain.num,
      type: "zoo.zoo",
      name: "zoo",
      url: "http://up.test",
    })
    .returning("id")
    .executeTakeFirstOrThrow();
  await using remote = await openRemote(ctx, domain, remoteId);
  async function* units(): AsyncGenerator<readonly DeclaredUnit[]> {
    for (let index = 0; index < UNITS_PER_BATCH; index += 1)
      yield [{ type: fileType, row: rowOf(index), files: [] }];
    throw new Error("The upstream has gone.");
  }

  const plan = { job, repository: repository.id, remote, mirror: true, units: units() };
  await assert.rejects(syncRepository(plan), { message: "The upstream has gone." });

  const { rows } = await sql<{ members: number; versions: number }>`
    select (select count(*)::int from membership) as members,
      (select count(*)::int from repository_version) as versions`.execute(ctx.db);
  assert.deepEqual(rows, [{ members: 0, versions: 1 }]);
  assert.equal(await unitCount(ctx), UNITS_PER_BATCH);
});

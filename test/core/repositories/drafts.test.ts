import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { saveUnits } from "#core/content/commands.ts";
import {
  addMembers,
  completeVersion,
  createVersion,
  discardVersion,
  openVersion,
  removeMembers,
} from "#core/repositories/commands.ts";
import { repositoryErrors } from "#core/repositories/errors.ts";
import { latestVersion } from "#core/repositories/queries.ts";
import { checkMembership, createCoreWorld, fileType, unitOf } from "../../support/core-world.ts";

test("a draft is invisible until it is complete", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain, job } = world;
  const repository = await world.repository();
  const [a = "", b = ""] = await world.files("a", "b");
  await createVersion(job, repository.id, { add: [a], remove: [] });

  const draft = await openVersion(job, repository.id);
  await addMembers(ctx, draft, [b]);
  await removeMembers(ctx, draft, [a]);
  const during = await latestVersion(ctx.db, domain, repository.id);
  const membersDuring = await world.members(repository, 1);
  const version = await completeVersion(job, draft);

  assert.equal(during?.number, 1);
  assert.deepEqual(membersDuring, ["a"]);
  assert.equal(version?.number, 2);
  assert.deepEqual(await world.members(repository, 2), ["b"]);
  assert.deepEqual(await checkMembership(ctx), []);
});

test("a batch of 2 000 costs 8 statements when all is new, 2 when all is known", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain, job, statements } = world;
  const repository = await world.repository();
  const remote = await ctx.db
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
  const units = Array.from({ length: 2000 }, (_, index) => {
    const relativePath = `f${index}`;
    const source = { remote: remote.id, url: `http://up.test/${relativePath}` };
    return { ...unitOf(relativePath), files: [{ relativePath, artifact: null, source }] };
  });
  const batch = async (draft: Awaited<ReturnType<typeof openVersion>>) => {
    const saved = await saveUnits(ctx, { domain, type: fileType, units });
    return addMembers(
      ctx,
      draft,
      saved.map(({ id }) => id),
    );
  };

  const first = await openVersion(job, repository.id, { mirror: true });
  const fresh = await statements.count(() => batch(first));
  await completeVersion(job, first);
  const second = await openVersion(job, repository.id, { mirror: true });
  const known = await statements.count(() => batch(second));
  const same = await completeVersion(job, second);

  assert.equal(fresh.statements.length, 8);
  assert.deepEqual(fresh.result, { added: 2000, missing: [] });
  assert.equal(known.statements.length, 2);
  assert.deepEqual(known.result, { added: 0, missing: [] });
  assert.equal(same, undefined);
});

test("a mirror of many units keeps what it saw and removes the rest", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain, job } = world;
  const repository = await world.repository();
  const { rows } = await sql<{ id: string }>`
    with units as (
      insert into content (id, domain, type, natural_key, slot)
      select gen_random_uuid(), ${domain.num}, ${ctx.plugins.contentTypeNum("zoo.note")},
        sha256(convert_to(i::text, 'UTF8')), gen_random_uuid() from generate_series(1, 20000) i
      returning id)
    select id from units`.execute(ctx.db);
  const ids = rows.map(({ id }) => id);
  const [extra = ""] = await world.files("extra");
  await createVersion(job, repository.id, { add: ids, remove: [] });

  const draft = await openVersion(job, repository.id, { mirror: true });
  await addMembers(ctx, draft, ids.slice(5, 12_000));
  await addMembers(ctx, draft, [extra, ...ids.slice(12_000)]);
  const version = await completeVersion(job, draft);

  const latest = await latestVersion(ctx.db, domain, repository.id);
  assert.equal(version?.number, 2);
  assert.deepEqual(latest?.counts, {
    present: { "zoo.file": 1, "zoo.note": 19_995 },
    added: { "zoo.file": 1 },
    removed: { "zoo.note": 5 },
  });
  assert.deepEqual(await checkMembership(ctx), []);
});

test("a mirror whose list was lost fails and leaves nothing", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, job } = world;
  const repository = await world.repository();
  const [a = "", b = ""] = await world.files("a", "b");
  await createVersion(job, repository.id, { add: [a, b], remove: [] });

  const draft = await openVersion(job, repository.id, { mirror: true });
  await addMembers(ctx, draft, [a]);
  // What a restart after a crash does to an unlogged table.
  await sql`truncate version_kept`.execute(ctx.db);
  await addMembers(ctx, draft, [b]);

  await assert.rejects(completeVersion(job, draft), repositoryErrors.mirrorLost.is);
  assert.deepEqual(await world.versionNumbers(repository), [0, 1]);
  assert.deepEqual(await checkMembership(ctx), []);
});

test("ids without a unit are told, the others are added", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, job } = world;
  const repository = await world.repository();
  const [a = ""] = await world.files("a");
  const nobody = uuid7();

  const draft = await openVersion(job, repository.id);
  const result = await addMembers(ctx, draft, [nobody, a]);
  await completeVersion(job, draft);

  assert.deepEqual(result, { added: 1, missing: [nobody] });
  assert.deepEqual(await world.members(repository, 1), ["a"]);
});

test("an orphan clean-up at the same moment loses against the member", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, job } = world;
  const repository = await world.repository();
  const ids = await world.files(...Array.from({ length: 200 }, (_, index) => `f${index}`));
  const sweep = () =>
    ctx.db.transaction().execute(async (trx) => {
      const { rows } = await sql<{ id: string }>`
          select id from content c where not exists (select from membership m where m.content = c.id)
          order by id limit 20 for update skip locked`.execute(trx);
      const locked = rows.map(({ id }) => id);
      const deleted = await sql<{ id: string }>`
          delete from content c where id = any(${locked}::uuid[]) and not exists (
            select from membership m where m.domain = c.domain and m.content = c.id)
          returning id`.execute(trx);
      return deleted.rows.map(({ id }) => id);
    });

  const draft = await openVersion(job, repository.id);
  const [added, swept] = await Promise.all([
    addMembers(ctx, draft, ids),
    Promise.all([sweep(), sweep(), sweep()]).then((each) => each.flat()),
  ]);
  await completeVersion(job, draft);

  const members = await world.members(repository, 1);
  assert.equal(members.length, added.added);
  assert.deepEqual([...added.missing].sort(), swept.sort());
  assert.equal(members.length + swept.length, 200);
  assert.deepEqual(await checkMembership(ctx), []);
});

test("a draft ends once: complete or discarded, it takes nothing more", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, job } = world;
  const repository = await world.repository();
  const [a = "", b = ""] = await world.files("a", "b");

  const done = await openVersion(job, repository.id);
  await addMembers(ctx, done, [a]);
  await completeVersion(job, done);
  const gone = await openVersion(job, repository.id);
  await addMembers(ctx, gone, [b]);
  await discardVersion(ctx, gone);
  await discardVersion(ctx, done);

  for (const draft of [done, gone]) {
    await assert.rejects(addMembers(ctx, draft, [b]), { code: "PLP0006" });
    await assert.rejects(removeMembers(ctx, draft, [a]), { code: "PLP0006" });
    await assert.rejects(completeVersion(job, draft), { code: "PLP0006" });
  }
  assert.deepEqual(await world.members(repository, 1), ["a"]);
  assert.deepEqual(await checkMembership(ctx), []);
});

test("the leftover of a crash is removed by the next version", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, job } = world;
  const repository = await world.repository();
  const [a1 = "", a2 = "", b = ""] = await world.files("a@1", "a@2", "b");
  await createVersion(job, repository.id, { add: [a1], remove: [] });
  const crashed = await openVersion(job, repository.id, { mirror: true });
  await addMembers(ctx, crashed, [a2]);

  await createVersion(job, repository.id, { add: [b], remove: [] });

  assert.deepEqual(await world.versionNumbers(repository), [0, 1, 2]);
  assert.deepEqual(await world.members(repository, 2), ["a@1", "b"]);
  assert.deepEqual(await checkMembership(ctx), []);
});

test("a rule that fails at the end removes the draft", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, job } = world;
  const repository = await world.repository({ type: "zoo.narrow" });
  const [a = ""] = await world.files("a");

  const draft = await openVersion(job, repository.id);
  await addMembers(ctx, draft, [a]);

  await assert.rejects(completeVersion(job, draft), repositoryErrors.unsupported.is);
  assert.deepEqual(await world.versionNumbers(repository), [0]);
  assert.deepEqual(world.created, []);
  assert.deepEqual(await checkMembership(ctx), []);
});

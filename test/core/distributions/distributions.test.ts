import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import {
  announce,
  announceAfterCommit,
  createDistribution,
  deleteDistribution,
  trimEvents,
  updateDistribution,
} from "#core/distributions/commands.ts";
import { distributionErrors } from "#core/distributions/errors.ts";
import { overlappingDistribution } from "#core/distributions/queries.ts";
import type { ChangeSelector, NewDistribution } from "#core/distributions/types.ts";
import { createVersion } from "#core/repositories/commands.ts";
import { type CoreWorld, createCoreWorld } from "../../support/core-world.ts";

const make = ({ ctx, domain }: CoreWorld, input: Partial<NewDistribution> = {}) =>
  createDistribution(ctx, {
    domain,
    type: "zoo.zoo",
    name: input.basePath ?? "zoo",
    basePath: "zoo",
    ...input,
  });

const events = async ({ ctx }: CoreWorld): Promise<string[]> => {
  const rows = await ctx.db.deleteFrom("distribution_event").returning("distribution").execute();
  return rows.map((row) => row.distribution).sort();
};

test("base paths are never equal or nested, by whole segments", async (t) => {
  const world = await createCoreWorld(t);
  await make(world, { basePath: "content/dist" });
  const overlap = { detail: { base_path: ["Overlaps with existing distribution 'content/dist'"] } };
  const unique = { detail: { base_path: ["This field must be unique."] } };

  await assert.rejects(make(world, { basePath: "content" }), overlap);
  await assert.rejects(make(world, { basePath: "content/dist/org1" }), overlap);
  await assert.rejects(make(world, { basePath: "content/dist/repo1/x" }), overlap);
  await assert.rejects(make(world, { basePath: "content/dist", name: "other" }), unique);
  await make(world, { basePath: "content/dis" });
  await make(world, { basePath: "content/dist-x/y" });
  await make(world, { basePath: "content/dist0" });
  const second = await world.secondDomain("second");
  await make(world, { basePath: "content/dist/org1", domain: second });
});

test("the other refusals have their texts, too", async (t) => {
  const world = await createCoreWorld(t);
  const repository = await world.repository();
  await make(world, { name: "taken", basePath: "taken" });
  const detail = (field: string, text: string) => ({ detail: { [field]: [text] } });

  await assert.rejects(
    make(world, { name: "taken", basePath: "free" }),
    detail("name", "This field must be unique."),
  );
  await assert.rejects(
    make(world, { basePath: "a//b" }),
    detail("base_path", "Relative path is not in canonical form."),
  );
  await assert.rejects(
    make(world, { basePath: "a b" }),
    detail("base_path", "Relative path cannot contain white space, '?' or '#'."),
  );
  await assert.rejects(
    make(world, { repository: uuid7() }),
    detail("repository", "Invalid hyperlink - Object does not exist."),
  );
  const version = await world.versionId(repository, 0);
  await assert.rejects(make(world, { repository: repository.id, version }), /may be used/);
  const second = await world.secondDomain("second");
  await assert.rejects(
    make(world, { domain: second, repository: repository.id }),
    detail("repository", "Invalid hyperlink - Object does not exist."),
  );
});

test("two overlapping paths at the same time: one is made, one is refused", async (t) => {
  const world = await createCoreWorld(t);

  const results = await Promise.allSettled(
    ["a/b", "a", "a/b/c", "a/b"].map((basePath, index) =>
      make(world, { basePath, name: `d${index}` }),
    ),
  );

  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  for (const result of results) {
    if (result.status === "rejected") assert.match(String(result.reason), /base_path/);
  }
});

test("a free path is told from one in the way before it is tried", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const id = await make(world, { basePath: "a/b", name: "ab" });
  const find = (basePath: string, except?: string) =>
    overlappingDistribution(ctx.db, domain, { basePath, ...(except ? { except } : {}) });

  assert.equal((await find("a"))?.name, "ab");
  assert.equal((await find("a/b"))?.name, "ab");
  assert.equal((await find("a/b/c"))?.name, "ab");
  assert.equal(await find("a/b", id), undefined);
  assert.equal(await find("a/b-c"), undefined);
});

test("create, update and delete cost at most 5 statements with what the task adds", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain, statements } = world;
  const repository = await world.repository();

  const made = await statements.count(() => make(world, { repository: repository.id }));
  const id = made.result;
  const changed = await statements.count(() =>
    updateDistribution(ctx, { domain, id, patch: { basePath: "other", repository: null } }),
  );
  const row = await ctx.db.selectFrom("distribution").selectAll().executeTakeFirstOrThrow();
  const gone = await statements.count(() => deleteDistribution(ctx, { domain, id }));

  assert.ok(made.statements.length <= 4);
  assert.ok(changed.statements.length <= 4);
  assert.ok(gone.statements.length <= 4);
  assert.equal(row.base_path, "other");
  assert.equal(row.name, "zoo");
  assert.equal(row.repository, null);
  assert.notEqual(row.updated, row.created);
  await assert.rejects(deleteDistribution(ctx, { domain, id }), distributionErrors.gone.is);
  await assert.rejects(
    updateDistribution(ctx, { domain, id, patch: { name: "x" } }),
    distributionErrors.gone.is,
  );
});

test("an update into the way of another is refused with its name", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  await make(world, { basePath: "a", name: "first" });
  const id = await make(world, { basePath: "b", name: "second" });

  await assert.rejects(updateDistribution(ctx, { domain, id, patch: { basePath: "a/x" } }), {
    detail: { base_path: ["Overlaps with existing distribution 'first'"] },
  });
  await updateDistribution(ctx, { domain, id, patch: { basePath: "b" } });
});

test("a change is announced for the distributions that it may alter, in its transaction", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const repository = await world.repository({ type: "zoo.published" });
  const version = await world.versionId(repository, 0);
  const publication = uuid7();
  await ctx.db
    .insertInto("publication")
    .values({ id: publication, domain: domain.num, type: "zoo.published", version })
    .execute();
  const [byRepository, byVersion, byPublication] = [
    await make(world, { basePath: "r", repository: repository.id }),
    await make(world, { basePath: "v", version }),
    await make(world, { basePath: "p", publication }),
  ];
  await make(world, { basePath: "none" });
  await events(world);
  const tell = async (selector: ChangeSelector) => {
    const ids = await ctx.db.transaction().execute((trx) => announce(trx, domain, selector));
    const written = await events(world);
    assert.deepEqual([...ids].sort(), written);
    return written;
  };
  const all = [byRepository, byVersion, byPublication].sort();

  assert.deepEqual(await tell({ repository: repository.id }), [byRepository]);
  assert.deepEqual(await tell({ version }), all);
  assert.deepEqual(await tell({ publications: [publication] }), all);
  assert.deepEqual(await tell({ distributions: [byVersion, byVersion] }), [byVersion]);
  assert.deepEqual(await tell({ remote: uuid7() }), []);
  assert.deepEqual(await tell({ guard: uuid7() }), []);
  const failed = ctx.db.transaction().execute(async (trx) => {
    await announce(trx, domain, { version });
    throw new Error("no");
  });
  await assert.rejects(failed);
  assert.deepEqual(await events(world), []);
});

test("a new version reaches listeners after its commit", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const repository = await world.repository();
  const id = await make(world, { repository: repository.id });
  await ctx.notifier.flush();
  const heard: string[] = [];
  const stop = new AbortController();
  t.after(() => stop.abort());
  ctx.notifier.listen("deckle_distribution", (payload) => heard.push(payload), stop.signal);
  announceAfterCommit(ctx, domain, ["warm-up"]);
  for (let turn = 0; turn < 100 && heard.length === 0; turn += 1) {
    announceAfterCommit(ctx, domain, ["warm-up"]);
    await sleep(20);
  }
  heard.length = 0;
  await events(world);

  const [a = ""] = await world.files("a");
  await createVersion(world.job, repository.id, { add: [a], remove: [] });
  for (let turn = 0; turn < 100 && !heard.some((each) => each.includes(id)); turn += 1) {
    await sleep(20);
  }

  assert.ok(heard.includes(`${domain.num}:${id}:content`), heard.join());
  const { rows } = await sql<{ content_only: boolean }>`
    select content_only from distribution_event where distribution = ${id}`.execute(ctx.db);
  assert.deepEqual(rows, [{ content_only: true }]);
  assert.deepEqual(await events(world), [id]);
});

test("old events are trimmed", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  await make(world);
  await sql`
    insert into distribution_event (domain, distribution, at)
    values (${domain.num}, ${uuid7()}, clock_timestamp() - interval '2 hours')`.execute(ctx.db);

  assert.equal(await trimEvents(ctx.db), 1);
  assert.equal((await events(world)).length, 1);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { key128 } from "#base/digests.ts";
import { uuid7 } from "#base/uuid7.ts";
import { saveUnits, touchUnits } from "#core/content/commands.ts";
import { contentErrors } from "#core/content/errors.ts";
import { missingUnits, unitsElsewhere } from "#core/content/queries.ts";
import type { UnitInput } from "#core/content/types.ts";
import type { Ctx } from "#core/ctx.ts";
import { describeFailure } from "#core/tasks/failure.ts";
import {
  type CoreWorld,
  createCoreWorld,
  digestOf,
  fileType,
  noteType,
  unitOf,
} from "../../support/core-world.ts";

const insertRemote = async ({ ctx, domain }: CoreWorld, name: string): Promise<string> => {
  const { id } = await ctx.db
    .insertInto("remote")
    .values({ id: uuid7(), domain: domain.num, type: "zoo.zoo", name, url: "http://up.test/" })
    .returning("id")
    .executeTakeFirstOrThrow();
  return id;
};

const onDemand = (remote: string, count: number, prefix = "f"): UnitInput[] =>
  Array.from({ length: count }, (_, index) => {
    const path = `${prefix}/${index}.iso`;
    const source = { remote, url: `http://up.test/${path}`, size: index, sha256: "ab".repeat(32) };
    return { ...unitOf(path), files: [{ relativePath: path, artifact: null, source }] };
  });

const count = async (ctx: Ctx, table: string): Promise<number> => {
  const { rows } = await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`.execute(
    ctx.db,
  );
  return rows[0]?.n ?? -1;
};

test("new units get their rows, known ones are found, in the order given", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const names = ["b", "a", "dir/c"];

  const first = await saveUnits(ctx, { domain, type: fileType, units: names.map(unitOf) });
  const again = await saveUnits(ctx, {
    domain,
    type: fileType,
    units: ["dir/c", "new", "a"].map(unitOf),
  });

  assert.deepEqual(
    first.map(({ isNew }) => isNew),
    [true, true, true],
  );
  assert.deepEqual(
    again.map(({ isNew }) => isNew),
    [false, true, false],
  );
  assert.equal(again[0]?.id, first[2]?.id);
  assert.equal(again[2]?.id, first[1]?.id);
  const row = await ctx.db
    .selectFrom("content_artifact")
    .selectAll()
    .where("content", "=", first[2]?.id ?? "")
    .executeTakeFirstOrThrow();
  assert.equal(row.relative_path, "dir/c");
  assert.equal(row.path_key, key128("dir/c"));
  const unit = await ctx.db
    .selectFrom("content")
    .selectAll()
    .where("id", "=", first[2]?.id ?? "")
    .executeTakeFirstOrThrow();
  assert.equal(unit.slot, key128("dir/c"));
  const { rows } = await sql<{ digest: Buffer }>`
    select digest from file_content where id = ${first[2]?.id}`.execute(ctx.db);
  assert.deepEqual(rows[0]?.digest, digestOf("dir/c"));
  assert.deepEqual(await ctx.db.selectFrom("content_count").select("n").executeTakeFirstOrThrow(), {
    n: 4,
  });
});

test("equal units of one batch are one unit, and their files add up", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const artifact = await world.artifact("bytes");
  const withArtifact = { ...unitOf("x"), files: [{ relativePath: "x", artifact }] };

  const saved = await saveUnits(ctx, {
    domain,
    type: fileType,
    units: [unitOf("x"), withArtifact, unitOf("y")],
  });

  assert.deepEqual(
    saved.map(({ isNew }) => isNew),
    [true, false, true],
  );
  assert.equal(saved[0]?.id, saved[1]?.id);
  const row = await ctx.db
    .selectFrom("content_artifact")
    .select("artifact")
    .where("content", "=", saved[0]?.id ?? "")
    .executeTakeFirstOrThrow();
  assert.equal(row.artifact, artifact);
});

test("the same key of two types is two units", async (t) => {
  const world = await createCoreWorld(t);

  const [file] = await world.files("x");
  const [note] = await world.notes("x");

  assert.notEqual(file, note);
});

test("a known unit takes artifacts, changed ones too, and keeps them when none is given", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const save = (artifact: string | null) =>
    saveUnits(ctx, {
      domain,
      type: fileType,
      units: [{ ...unitOf("x"), files: [{ relativePath: "x", artifact }] }],
    });
  const stored = async () =>
    (await ctx.db.selectFrom("content_artifact").select("artifact").executeTakeFirstOrThrow())
      .artifact;
  const [one, two] = [await world.artifact("1"), await world.artifact("2")];

  await save(null);
  assert.equal(await stored(), null);
  await save(one);
  assert.equal(await stored(), one);
  await save(null);
  assert.equal(await stored(), one);
  await save(two);
  assert.equal(await stored(), two);
});

test("sources are written, corrected when they change, and forgiven their failures", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const remote = await insertRemote(world, "zoo");
  const other = await insertRemote(world, "mirror");
  const save = (source: NonNullable<UnitInput["files"][number]["source"]>) =>
    saveUnits(ctx, {
      domain,
      type: fileType,
      units: [{ ...unitOf("x"), files: [{ relativePath: "x", artifact: null, source }] }],
    });
  const sources = () =>
    ctx.db
      .selectFrom("remote_artifact")
      .select(["remote", "url", "size", "sha256", "other_digests", "failed_at"])
      .orderBy("url")
      .execute();

  await save({ remote, url: "http://a/x", size: 3, otherDigests: { md5: "d".repeat(32) } });
  await ctx.db.updateTable("remote_artifact").set({ failed_at: "2026-01-01T00:00:00Z" }).execute();
  await save({ remote, url: "http://a/x" });
  const [kept] = await sources();
  await save({ remote, url: "http://b/x", sha256: "ab".repeat(32) });
  await save({ remote: other, url: "http://c/x" });

  assert.deepEqual(kept?.other_digests, { md5: "d".repeat(32) });
  assert.notEqual(kept?.failed_at, null);
  const [changed, added] = await sources();
  assert.equal(changed?.url, "http://b/x");
  assert.equal(changed?.size, 3);
  assert.equal(changed?.sha256?.toString("hex"), "ab".repeat(32));
  assert.equal(changed?.failed_at, null);
  assert.equal(added?.remote, other);
});

test("2 000 on-demand units cost at most 5 statements when new, 1 when known", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain, statements } = world;
  const remote = await insertRemote(world, "zoo");
  const batch = { domain, type: fileType, units: onDemand(remote, 2000) };

  const fresh = await statements.count(() => saveUnits(ctx, batch));
  const known = await statements.count(() => saveUnits(ctx, batch));

  assert.equal(fresh.statements.length, 5);
  assert.equal(known.statements.length, 1);
  assert.ok(known.result.every(({ isNew }) => !isNew));
  assert.equal(await count(ctx, "remote_artifact"), 2000);
});

test("a re-sync of known units writes nothing", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const remote = await insertRemote(world, "zoo");
  const batch = { domain, type: fileType, units: onDemand(remote, 50) };
  const state = () =>
    sql`select (select array_agg(xmin::text || ctid::text order by id) from content) as c,
      (select array_agg(xmin::text || ctid::text order by id) from content_artifact) as f,
      (select array_agg(xmin::text || ctid::text order by id) from remote_artifact) as r`
      .execute(ctx.db)
      .then(({ rows }) => rows[0]);
  await saveUnits(ctx, batch);
  const before = await state();

  await saveUnits(ctx, batch);

  assert.deepEqual(await state(), before);
});

test("a batch joins the caller's transaction", async (t) => {
  const { ctx, domain } = await createCoreWorld(t);
  const failure = new Error("no");

  const work = ctx.db.transaction().execute(async (trx) => {
    await saveUnits(ctx, { domain, type: fileType, units: [unitOf("x")] }, trx);
    throw failure;
  });

  await assert.rejects(work, failure);
  assert.equal(await count(ctx, "content"), 0);
  assert.equal(await count(ctx, "content_count"), 0);
});

test("overlapping batches at the same time make each unit once and show no deadlock", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const remote = await insertRemote(world, "zoo");
  const units = onDemand(remote, 900);
  const shuffled = (seed: number) =>
    units
      .map((unit, index) => ({ unit, rank: (index * 7919 + seed * 104_729) % 1009 }))
      .sort((a, b) => a.rank - b.rank)
      .slice(0, 600)
      .map(({ unit }) => unit);

  const rounds = await Promise.all(
    [1, 2, 3, 4, 5, 6].map((seed) => {
      const batch = shuffled(seed);
      return saveUnits(ctx, { domain, type: fileType, units: batch }).then((saved) =>
        saved.map(({ id, isNew }, index) => ({ path: batch[index]?.row.relative_path, id, isNew })),
      );
    }),
  );

  const ids = new Map<unknown, Set<string>>();
  for (const { path, id } of rounds.flat()) ids.set(path, (ids.get(path) ?? new Set()).add(id));
  assert.ok([...ids.values()].every((each) => each.size === 1));
  const made = rounds.flat().filter(({ isNew }) => isNew).length;
  assert.equal(made, ids.size);
  assert.equal(await count(ctx, "content"), ids.size);
  assert.equal(await count(ctx, "file_content"), ids.size);
  assert.equal(await count(ctx, "content_artifact"), ids.size);
  assert.equal(await count(ctx, "remote_artifact"), ids.size);
  const counted = await ctx.db.selectFrom("content_count").select("n").executeTakeFirstOrThrow();
  assert.equal(counted.n, ids.size);
});

test("opposite transactions over two batches both succeed", async (t) => {
  const { ctx, domain } = await createCoreWorld(t);
  const [a, b] = ["a", "b"].map((p) => Array.from({ length: 20 }, (_, i) => unitOf(`${p}${i}`)));
  const inOrder = (first: UnitInput[], second: UnitInput[]) => () =>
    ctx.db.transaction().execute(async (trx) => {
      await saveUnits(ctx, { domain, type: fileType, units: first }, trx);
      await sql`select pg_sleep(0.1)`.execute(trx);
      await saveUnits(ctx, { domain, type: noteType, units: second }, trx);
    });
  const { retryOnConflict } = await import("#core/transaction.ts");

  await Promise.all([
    retryOnConflict(inOrder(a ?? [], b ?? [])),
    retryOnConflict(inOrder(b ?? [], a ?? [])),
  ]);

  assert.equal(await count(ctx, "content"), 80);
});

test("a bad path is refused by the database", async (t) => {
  const { ctx, domain } = await createCoreWorld(t);
  const save = (path: string) =>
    saveUnits(ctx, {
      domain,
      type: noteType,
      units: [{ ...unitOf("x"), files: [{ relativePath: path, artifact: null }] }],
    });

  await assert.rejects(save("a/../b"), { code: "23514" });
  assert.equal(await count(ctx, "content"), 0);
});

test("touch moves old units only, and passes by those that somebody holds", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const [old = "", held = "", young = ""] = await world.files("old", "held", "young");
  await sql`update content set touched = '2026-01-01' where id = any(${[old, held]}::uuid[])`.execute(
    ctx.db,
  );
  const touched = async (id: string) =>
    (await ctx.db.selectFrom("content").select("touched").where("id", "=", id).executeTakeFirst())
      ?.touched;
  const before = await touched(young);

  await ctx.db.transaction().execute(async (trx) => {
    await sql`select from content where id = ${held} for update`.execute(trx);
    await touchUnits(ctx.db, domain, [old, held, young]);
  });

  assert.notEqual(await touched(old), "2026-01-01T00:00:00Z");
  assert.equal(await touched(held), "2026-01-01T00:00:00Z");
  assert.equal(await touched(young), before);
});

test("saving a known unit that is old touches it", async (t) => {
  const world = await createCoreWorld(t);
  await world.files("x");
  await sql`update content set touched = '2026-01-01'`.execute(world.ctx.db);

  await world.files("x");

  const row = await world.ctx.db.selectFrom("content").select("touched").executeTakeFirstOrThrow();
  assert.notEqual(row.touched, "2026-01-01T00:00:00Z");
});

test("missing units are told from those of another domain", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const second = await world.secondDomain("second");
  const [mine = ""] = await world.files("x");
  const [foreign] = await saveUnits(ctx, { domain: second, type: fileType, units: [unitOf("x")] });
  const nobody = uuid7();
  const ids = [nobody, mine, foreign?.id ?? ""];

  assert.deepEqual(await missingUnits(ctx.db, domain, ids), [nobody, foreign?.id]);
  assert.deepEqual(await unitsElsewhere(ctx.db, domain, ids), [foreign?.id]);
});

test("a file that a clean-up removed meanwhile is named in words, and nothing is half saved", async (t) => {
  const { ctx, domain } = await createCoreWorld(t);
  const gone = { ...unitOf("a"), files: [{ relativePath: "a", artifact: uuid7() }] };

  const saving = saveUnits(ctx, { domain, type: fileType, units: [unitOf("b"), gone] });

  await assert.rejects(saving, (error) => {
    assert.ok(contentErrors.fileGone.is(error));
    assert.doesNotMatch(describeFailure(error, false).description ?? "", /fkey|constraint/);
    return true;
  });
  assert.equal(await count(ctx, "content"), 0);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { createDistribution, updateDistribution } from "#core/distributions/commands.ts";
import type { NewDistribution } from "#core/distributions/types.ts";
import type { RepositoryRef } from "#core/plugin-contract.ts";
import {
  addPaths,
  completePublication,
  createPublication,
  deletePublication,
} from "#core/publications/commands.ts";
import { publicationErrors } from "#core/publications/errors.ts";
import type { NewPublication, PublicationRef } from "#core/publications/types.ts";
import { createVersion } from "#core/repositories/commands.ts";
import { type CoreWorld, createCoreWorld } from "../../support/core-world.ts";

/** A repository of the publishing type with one version of these files. */
async function withFiles(world: CoreWorld, ...names: readonly string[]): Promise<RepositoryRef> {
  const repository = await world.repository({ type: "zoo.published" });
  await createVersion(world.job, repository.id, { add: await world.files(...names), remove: [] });
  return repository;
}

async function start(
  world: CoreWorld,
  repository: RepositoryRef,
  input: Partial<NewPublication> & { readonly number?: number } = {},
): Promise<PublicationRef> {
  const { number = 1, ...rest } = input;
  const version = await world.versionId(repository, number);
  const { job, domain } = world;
  return createPublication(job, { domain, type: "zoo.published", version, ...rest });
}

async function publish(...parameters: Parameters<typeof start>): Promise<string> {
  const [world] = parameters;
  const publication = await start(...parameters);
  await completePublication(world.job, publication);
  return publication.id;
}

const distribute = ({ ctx, domain }: CoreWorld, source: Partial<NewDistribution>) =>
  createDistribution(ctx, { domain, type: "zoo.zoo", name: "d", basePath: "d", ...source });

/** Publications on record for the grace period: those served now, and those that run out. */
async function records({ ctx }: CoreWorld): Promise<{ now: string[]; old: string[] }> {
  const rows = await ctx.db
    .selectFrom("distributed_publication")
    .selectAll()
    .orderBy("publication")
    .execute();
  const of = (isNow: boolean) =>
    rows.filter((row) => (row.expires_at === null) === isNow).map((row) => row.publication);
  return { now: of(true), old: of(false) };
}

test("a publication is visible when it is complete, with all its paths", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, job } = world;
  const repository = await withFiles(world, "a");
  const reported = world.created.length;
  const publication = await start(world, repository);
  const artifact = await world.artifact("index");
  const file = await ctx.db.selectFrom("content_artifact").select("id").executeTakeFirstOrThrow();
  await addPaths(ctx, publication, [
    { relativePath: "index", artifact },
    { relativePath: "files/a", contentArtifact: file.id },
  ]);
  const isComplete = async () =>
    (await ctx.db.selectFrom("publication").select("complete").executeTakeFirstOrThrow()).complete;
  const before = await isComplete();

  const { statements } = await world.statements.count(() => completePublication(job, publication));

  assert.equal(before, false);
  assert.equal(await isComplete(), true);
  assert.ok(statements.length <= 8, statements.join("\n"));
  assert.deepEqual(world.created.slice(reported), [
    {
      model: "zoo.Publication",
      object: publication.id,
      path: `publications/zoo/published/${publication.id}/`,
    },
  ]);
});

test("paths go in batches; the same path twice is refused", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, statements } = world;
  const repository = await withFiles(world, "a");
  const publication = await start(world, repository);
  const artifact = await world.artifact("index");
  const paths = Array.from({ length: 4001 }, (_, i) => ({ relativePath: `p${i}`, artifact }));

  const sent = await statements.count(() => addPaths(ctx, publication, paths));
  const again = () => addPaths(ctx, publication, [{ relativePath: "p7", artifact }]);

  assert.equal(sent.statements.length, 3);
  await assert.rejects(again, {
    message: "Cannot create publication. Path errors found. Paths are duplicated: p7",
  });
  const bad = () => addPaths(ctx, publication, [{ relativePath: "a/../b", artifact }]);
  await assert.rejects(bad, { detail: ["Relative path is not in canonical form."] });
});

test("a generated file that a clean-up removed meanwhile is named in words", async (t) => {
  const world = await createCoreWorld(t);
  const publication = await start(world, await withFiles(world, "a"));
  const paths = [{ relativePath: "index", artifact: uuid7() }];

  await assert.rejects(addPaths(world.ctx, publication, paths), publicationErrors.fileGone.is);
});

test("overlapping paths are refused, those of passed-through files included", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, job } = world;
  const repository = await withFiles(world, "dir/a", "b", "index-old");
  const artifact = await world.artifact("index");
  const complete = async (relativePath: string, layout: string) => {
    const publication = await start(world, repository, { layout });
    await addPaths(ctx, publication, [{ relativePath, artifact }]);
    return completePublication(job, publication);
  };

  await complete("dir", "rows");
  await complete("index", "pass_through");
  await assert.rejects(complete("dir", "pass_through"), {
    message:
      "Cannot create publication. Path errors found. The path for file 'dir/a' overlaps: dir",
  });
  await assert.rejects(complete("b/index", "pass_through"), publicationErrors.overlappingPath.is);
  await assert.rejects(complete("b", "pass_through"), {
    message: "Cannot create publication. Path errors found. Paths are duplicated: b",
  });
  const visible = await ctx.db
    .selectFrom("publication")
    .select("id")
    .where("complete", "=", true)
    .execute();
  assert.equal(visible.length, 2);
});

test("a distribution's earlier publications stay on record for the grace period", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const repository = await withFiles(world, "a");
  await distribute(world, { repository: repository.id });

  const first = await publish(world, repository);
  assert.deepEqual(await records(world), { now: [first], old: [] });
  const [b = ""] = await world.files("b");
  await createVersion(world.job, repository.id, { add: [b], remove: [] });
  const second = await publish(world, repository, { number: 2 });
  assert.deepEqual(await records(world), { now: [second], old: [first] });
  const older = await publish(world, repository, { number: 1 });
  assert.deepEqual(await records(world), { now: [second], old: [first] });

  await sql`update distributed_publication set expires_at = clock_timestamp() - interval '1 s'
    where expires_at is not null`.execute(ctx.db);
  const third = await publish(world, repository, { number: 2 });
  assert.deepEqual(await records(world), { now: [third], old: [second] });
  await deletePublication(ctx, domain, third);
  assert.deepEqual(await records(world), { now: [second], old: [] });
  await deletePublication(ctx, domain, older);
  assert.deepEqual(await records(world), { now: [second], old: [] });
});

test("records follow the source of the distribution", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const repository = await withFiles(world, "a");
  const first = await publish(world, repository);
  const second = await publish(world, repository);
  const id = await distribute(world, { publication: first });
  const change = (patch: Parameters<typeof updateDistribution>[1]["patch"]) =>
    updateDistribution(ctx, { domain, id, patch });

  assert.deepEqual(await records(world), { now: [first], old: [] });
  await change({ publication: null, version: await world.versionId(repository, 1) });
  assert.deepEqual(await records(world), { now: [second], old: [first] });
  await change({ version: null, publication: first });
  assert.deepEqual(await records(world), { now: [first], old: [second] });
  await change({ publication: null });
  assert.deepEqual(await records(world), { now: [], old: [] });
});

test("a record runs out after the period, at once when it is 0", async (t) => {
  for (const period of [3600, 0]) {
    const settings = { DISTRIBUTED_PUBLICATION_RETENTION_PERIOD: period };
    const world = await createCoreWorld(t, { settings });
    const repository = await withFiles(world, "a");
    await distribute(world, { repository: repository.id });
    await publish(world, repository);
    await publish(world, repository);

    const { rows } = await sql<{ seconds: number }>`
      select extract(epoch from expires_at - clock_timestamp())::float8 as seconds
      from distributed_publication where expires_at is not null`.execute(world.ctx.db);
    const seconds = rows[0]?.seconds ?? Number.NaN;
    assert.ok(seconds <= period && seconds > period - 60, `${seconds}`);
  }
});

test("checkpoint distributions keep no records", async (t) => {
  const world = await createCoreWorld(t);
  const repository = await withFiles(world, "a");
  await distribute(world, { repository: repository.id, checkpoint: true });

  await publish(world, repository, { checkpoint: true });

  assert.deepEqual(await records(world), { now: [], old: [] });
});

test("deleting announces, detaches and leaves nothing", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const repository = await withFiles(world, "a");
  const publication = await start(world, repository);
  const artifact = await world.artifact("index");
  await addPaths(ctx, publication, [{ relativePath: "index", artifact }]);
  await completePublication(world.job, publication);
  const id = await distribute(world, { publication: publication.id });
  await ctx.db.deleteFrom("distribution_event").execute();

  await deletePublication(ctx, domain, publication.id);

  const row = await ctx.db.selectFrom("distribution").selectAll().executeTakeFirstOrThrow();
  assert.equal(row.publication, null);
  const events = await ctx.db.selectFrom("distribution_event").select("distribution").execute();
  assert.deepEqual(
    events.map((event) => event.distribution),
    [id],
  );
  for (const table of ["publication", "publication_path", "distributed_publication"] as const) {
    const rows = await sql`select from ${sql.table(table)}`.execute(ctx.db);
    assert.equal(rows.rows.length, 0, table);
  }
  await assert.rejects(deletePublication(ctx, domain, publication.id), publicationErrors.gone.is);
  await assert.rejects(
    deletePublication(ctx, await world.secondDomain("second"), publication.id),
    publicationErrors.gone.is,
  );
});

test("a publication of an unknown version is refused", async (t) => {
  const world = await createCoreWorld(t);
  const { job, domain } = world;

  await assert.rejects(
    createPublication(job, { domain, type: "zoo.published", version: uuid7() }),
    { detail: { repository_version: ["Invalid hyperlink - Object does not exist."] } },
  );
});

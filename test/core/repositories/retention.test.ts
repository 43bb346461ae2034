import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { createDistribution } from "#core/distributions/commands.ts";
import type { NewDistribution } from "#core/distributions/types.ts";
import type { RepositoryRef } from "#core/plugin-contract.ts";
import { addPaths, completePublication, createPublication } from "#core/publications/commands.ts";
import {
  applyRetention,
  createVersion,
  deleteRepository,
  deleteVersion,
  updateRepository,
} from "#core/repositories/commands.ts";
import { repositoryErrors } from "#core/repositories/errors.ts";
import { isProtectedVersion } from "#core/repositories/queries.ts";
import { deleteVersionTask } from "#core/repositories/tasks.ts";
import { type CoreWorld, checkMembership, createCoreWorld } from "../../support/core-world.ts";

/** Makes versions 1 to `count`, each with one file more. */
async function addVersions(world: CoreWorld, { id }: RepositoryRef, count: number) {
  const ids = await world.files(...Array.from({ length: count }, (_, index) => `f${index + 1}`));
  for (const unit of ids) await createVersion(world.job, id, { add: [unit], remove: [] });
}

async function publish(
  world: CoreWorld,
  repository: RepositoryRef,
  options: { readonly number: number; readonly checkpoint?: boolean },
): Promise<string> {
  const { ctx, domain, job } = world;
  const publication = await createPublication(job, {
    domain,
    type: "zoo.published",
    version: await world.versionId(repository, options.number),
    checkpoint: options.checkpoint ?? false,
  });
  const artifact = await world.artifact(publication.id);
  await addPaths(ctx, publication, [{ relativePath: "index", artifact }]);
  await completePublication(job, publication);
  return publication.id;
}

const distribute = (world: CoreWorld, source: Partial<NewDistribution>) =>
  createDistribution(world.ctx, {
    domain: world.domain,
    type: "zoo.zoo",
    name: `d${Math.random()}`,
    basePath: `p${Math.random()}`,
    ...source,
  });

test("retention keeps the newest versions and every protected one", async (t) => {
  const world = await createCoreWorld(t);
  const repository = await world.repository({ retainRepoVersions: 2 });
  await addVersions(world, repository, 2);
  await distribute(world, { version: await world.versionId(repository, 1) });

  await addVersions(world, repository, 0);
  const ids = await world.files("x", "y", "z");
  for (const id of ids) await createVersion(world.job, repository.id, { add: [id], remove: [] });

  assert.deepEqual(await world.versionNumbers(repository), [1, 4, 5]);
  assert.deepEqual(await world.members(repository, 1), ["f1"]);
  assert.deepEqual(await world.members(repository, 4), ["f1", "f2", "x", "y"]);
  assert.deepEqual(await checkMembership(world.ctx), []);
});

test("lowering retention prunes at once, oldest first", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const repository = await world.repository();
  await addVersions(world, repository, 4);

  await updateRepository(ctx, { domain, id: repository.id, patch: { retainRepoVersions: 3 } });

  assert.deepEqual(await world.versionNumbers(repository), [2, 3, 4]);
  await ctx.db.updateTable("repository").set({ retain_repo_versions: 1 }).execute();
  assert.deepEqual(await applyRetention(ctx, repository.id), [2, 3]);
  await assert.rejects(
    updateRepository(ctx, { domain, id: repository.id, patch: { retainRepoVersions: 0 } }),
    { detail: { retain_repo_versions: ["Ensure this value is greater than or equal to 1."] } },
  );
});

test("what a repository serves is protected by its distribution", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const plain = await world.repository();
  const published = await world.repository({ type: "zoo.published" });
  for (const repository of [plain, published]) await addVersions(world, repository, 3);
  await publish(world, published, { number: 2 });
  await distribute(world, { repository: plain.id });
  await distribute(world, { repository: published.id });
  const protectedNumbers = async (repository: RepositoryRef) => {
    const numbers = await world.versionNumbers(repository);
    const flags = await Promise.all(
      numbers.map(async (n) => isProtectedVersion(ctx, await world.versionId(repository, n))),
    );
    return numbers.filter((_, index) => flags[index]);
  };

  assert.deepEqual(await protectedNumbers(plain), [3]);
  assert.deepEqual(await protectedNumbers(published), [2]);
  const served = await world.versionId(published, 2);
  await assert.rejects(deleteVersion(ctx, domain, served), repositoryErrors.protectedVersion.is);
  await updateRepository(ctx, { domain, id: published.id, patch: { retainRepoVersions: 1 } });
  assert.deepEqual(await world.versionNumbers(published), [2, 3]);
});

test("publications and checkpoints protect their versions", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const repository = await world.repository({ type: "zoo.published" });
  await addVersions(world, repository, 5);
  const publication = await publish(world, repository, { number: 1 });
  for (const number of [2, 3]) await publish(world, repository, { number, checkpoint: true });
  await distribute(world, { publication });
  const checkpoints = await distribute(world, { repository: repository.id, checkpoint: true });

  await updateRepository(ctx, { domain, id: repository.id, patch: { retainRepoVersions: 1 } });
  const withCheckpoints = await world.versionNumbers(repository);
  await ctx.db.deleteFrom("distribution").where("id", "=", checkpoints).execute();
  await applyRetention(ctx, repository.id);

  assert.deepEqual(withCheckpoints, [1, 2, 3, 5]);
  assert.deepEqual(await world.versionNumbers(repository), [1, 5]);
});

test("the newest checkpoints keep the flag", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const repository = await world.repository({ type: "zoo.published", retainCheckpoints: 2 });
  await addVersions(world, repository, 4);
  const ids: string[] = [];
  for (const number of [1, 2, 3, 4]) {
    ids.push(await publish(world, repository, { number, checkpoint: number !== 2 }));
  }
  const flags = async () => {
    const rows = await ctx.db.selectFrom("publication").select(["id", "checkpoint"]).execute();
    return ids.map((id) => rows.find((row) => row.id === id)?.checkpoint);
  };

  assert.deepEqual(await flags(), [false, false, true, true]);
  await updateRepository(ctx, { domain, id: repository.id, patch: { retainCheckpoints: 1 } });
  assert.deepEqual(await flags(), [false, false, false, true]);
});

test("squashing costs 8 statements, whatever the version holds", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain, statements } = world;
  const repository = await world.repository();
  const ids = await world.files(...Array.from({ length: 300 }, (_, index) => `f${index}`));
  await createVersion(world.job, repository.id, { add: ids, remove: [] });
  await createVersion(world.job, repository.id, { add: [], remove: ids.slice(100) });
  await createVersion(world.job, repository.id, { add: ids.slice(200), remove: ids.slice(0, 9) });
  const [one, two, three] = await Promise.all(
    [1, 2, 3].map((number) => world.versionId(repository, number)),
  );

  for (const id of [two, one, three]) {
    const { statements: sent } = await statements.count(() => deleteVersion(ctx, domain, id ?? ""));
    assert.ok(sent.length <= 8, sent.join("\n"));
  }
  assert.deepEqual(await world.versionNumbers(repository), [0]);
  assert.deepEqual(await checkMembership(ctx), []);
  // Everything that lived in these versions only is looked at by the next clean-up.
  const { rows } = await sql<{ n: number }>`select count(*) as n from orphan_candidate`.execute(
    ctx.db,
  );
  assert.equal(rows[0]?.n, 300);
});

test("a version goes with its publications; the last version stays", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const repository = await world.repository({ type: "zoo.published" });
  await addVersions(world, repository, 1);
  await publish(world, repository, { number: 1 });

  const result = await deleteVersionTask.run(world.job, {
    version: await world.versionId(repository, 1),
  });

  assert.equal(result, null);
  assert.equal((await ctx.db.selectFrom("publication").select("id").execute()).length, 0);
  assert.equal(
    (await ctx.db.selectFrom("publication_path").select("artifact").execute()).length,
    0,
  );
  const last = await world.versionId(repository, 0);
  await assert.rejects(deleteVersion(ctx, domain, last), {
    code: "PLP0011",
    message:
      "[PLP0011] Cannot delete repository version. Repositories must have at least one repository version.",
  });
  await assert.rejects(
    deleteVersion(ctx, domain, world.job.taskId),
    repositoryErrors.versionGone.is,
  );
});

test("numbers are never used again", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const repository = await world.repository();
  await addVersions(world, repository, 2);
  await deleteVersion(ctx, domain, await world.versionId(repository, 2));

  const [x = ""] = await world.files("x");
  const version = await createVersion(world.job, repository.id, { add: [x], remove: [] });

  assert.equal(version?.number, 3);
  assert.deepEqual(await world.members(repository, 3), ["f1", "x"]);
});

test("a repository goes with all it has; its distributions stay without a source", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const repository = await world.repository({ type: "zoo.published" });
  const other = await world.repository();
  await addVersions(world, repository, 3);
  const publication = await publish(world, repository, { number: 3 });
  const [x = ""] = await world.files("x");
  const baseVersion = await world.versionId(repository, 3);
  await createVersion(world.job, other.id, { add: [x], remove: [], baseVersion });
  const served = [
    await distribute(world, { repository: repository.id }),
    await distribute(world, { version: await world.versionId(repository, 1) }),
    await distribute(world, { publication }),
  ];
  await distribute(world, { repository: other.id });
  await ctx.db.deleteFrom("distribution_event").execute();

  await deleteRepository(ctx, { domain }, repository.id);

  const rows = await ctx.db
    .selectFrom("distribution")
    .select(["id", "repository", "version", "publication"])
    .where("id", "in", served)
    .execute();
  assert.equal(rows.length, 3);
  assert.ok(rows.every((row) => !row.repository && !row.version && !row.publication));
  const events = await ctx.db.selectFrom("distribution_event").select("distribution").execute();
  assert.deepEqual(new Set(events.map((row) => row.distribution)), new Set(served));
  assert.equal((await ctx.db.selectFrom("publication").select("id").execute()).length, 0);
  assert.deepEqual(await world.versionNumbers(repository), []);
  assert.deepEqual(await world.members(other, 1), ["f1", "f2", "f3", "x"]);
  await assert.rejects(deleteRepository(ctx, { domain }, repository.id), repositoryErrors.gone.is);
});

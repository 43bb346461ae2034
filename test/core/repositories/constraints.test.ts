import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { saveUnits } from "#core/content/commands.ts";
import { createVersion } from "#core/repositories/commands.ts";
import { type CoreWorld, createCoreWorld, fileType, unitOf } from "../../support/core-world.ts";

/** What the database guarantees by itself (data-model §17), tried past every command. */
async function setUp(t: Parameters<typeof createCoreWorld>[0]) {
  const world = await createCoreWorld(t);
  const repository = await world.repository();
  const [a = "", a2 = "", b = ""] = await world.files("a", "a@2", "b");
  await createVersion(world.job, repository.id, { add: [a], remove: [] });
  return { world, repository, a, a2, b };
}

const member = (
  { ctx, domain }: CoreWorld,
  row: { repository: number; content: string; added: number; removed?: number; slot?: string },
) =>
  ctx.db
    .insertInto("membership")
    .values({
      domain: domain.num,
      type: ctx.plugins.contentTypeNum("zoo.file"),
      slot: null,
      ...row,
    })
    .execute();

test("a unit, and a slot, is at most once in the latest version", async (t) => {
  const { world, repository, a, a2 } = await setUp(t);
  const { num } = repository;
  const { slot } = await world.ctx.db
    .selectFrom("membership")
    .select("slot")
    .executeTakeFirstOrThrow();

  await assert.rejects(member(world, { repository: num, content: a, added: 2 }), {
    code: "23505",
    constraint: "membership_one_open_unit",
  });
  await assert.rejects(
    member(world, { repository: num, content: a2, added: 2, slot: slot ?? "" }),
    { code: "23505", constraint: "membership_one_open_slot" },
  );
  await assert.rejects(member(world, { repository: num, content: a2, added: 3, removed: 3 }), {
    code: "23514",
  });
});

test("no member crosses a domain", async (t) => {
  const { world, repository, b } = await setUp(t);
  const { ctx } = world;
  const second = await world.secondDomain("second");
  const foreign = await world.repository({ domain: second });
  const [unit] = await saveUnits(ctx, { domain: second, type: fileType, units: [unitOf("x")] });

  await assert.rejects(
    member(world, { repository: repository.num, content: unit?.id ?? "", added: 2 }),
    { code: "23503", constraint: "membership_content_fkey" },
  );
  await assert.rejects(member(world, { repository: foreign.num, content: b, added: 1 }), {
    code: "23503",
    constraint: "membership_parent",
  });
  const remote = uuid7();
  await ctx.db
    .insertInto("remote")
    .values({ id: remote, domain: second.num, type: "zoo.zoo", name: "r", url: "http://up.test" })
    .execute();
  await assert.rejects(world.repository({ remote }), {
    detail: { remote: ["Invalid hyperlink - Object does not exist."] },
  });
});

test("one version is under construction per repository; numbers are unique", async (t) => {
  const { world, repository } = await setUp(t);
  const { ctx, domain } = world;
  const version = (number: number, complete: boolean) =>
    ctx.db
      .insertInto("repository_version")
      .values({ id: uuid7(), domain: domain.num, repository: repository.num, number, complete })
      .execute();

  await version(2, false);
  await assert.rejects(version(3, false), {
    code: "23505",
    constraint: "repository_version_one_open",
  });
  await assert.rejects(version(1, true), {
    code: "23505",
    constraint: "repository_version_number",
  });
});

test("a member unit, a used artifact and a full repository cannot vanish", async (t) => {
  const { world, repository, a } = await setUp(t);
  const { ctx, domain } = world;
  const artifact = await world.artifact("bytes");
  await saveUnits(ctx, {
    domain,
    type: fileType,
    units: [{ ...unitOf("b"), files: [{ relativePath: "b", artifact }] }],
  });

  await assert.rejects(sql`delete from content where id = ${a}`.execute(ctx.db), {
    code: "23503",
    constraint: "membership_content_fkey",
  });
  await assert.rejects(sql`delete from artifact where id = ${artifact}`.execute(ctx.db), {
    code: "23503",
    constraint: "content_artifact_artifact_fkey",
  });
  await assert.rejects(sql`delete from repository where num = ${repository.num}`.execute(ctx.db), {
    code: "23503",
    constraint: "membership_parent",
  });
});

test("the same bytes and the same unit are once per domain", async (t) => {
  const { world } = await setUp(t);
  const { ctx, domain } = world;
  await world.artifact("bytes");

  await assert.rejects(world.artifact("bytes"), {
    code: "23505",
    constraint: "artifact_one_per_digest",
  });
  const copy = sql`
    insert into content (id, domain, type, natural_key)
    select ${uuid7()}::uuid, domain, type, natural_key from content limit 1`;
  await assert.rejects(copy.execute(ctx.db), {
    code: "23505",
    constraint: "content_one_per_key",
  });
  const short = sql`
    insert into content (id, domain, type, natural_key)
    values (${uuid7()}, ${domain.num}, 1, '\\x00')`;
  await assert.rejects(short.execute(ctx.db), { code: "23514" });
});

test("a publication path has exactly one target; a distribution one source at most", async (t) => {
  const { world, repository } = await setUp(t);
  const { ctx, domain } = world;
  const version = await world.versionId(repository, 1);
  const publication = uuid7();
  await ctx.db
    .insertInto("publication")
    .values({ id: publication, domain: domain.num, type: "zoo.published", version })
    .execute();
  const path = { publication, domain: domain.num, relative_path: "x", artifact: null };

  await assert.rejects(
    ctx.db
      .insertInto("publication_path")
      .values({ ...path, content_artifact: null })
      .execute(),
    { code: "23514" },
  );
  await assert.rejects(
    sql`insert into distribution (id, domain, type, name, base_path, repository, version)
      values (${uuid7()}, ${domain.num}, 'zoo.zoo', 'd', 'd', ${repository.id}, ${version})`.execute(
      ctx.db,
    ),
    { code: "23514", constraint: "distribution_one_source" },
  );
});

test("names and paths keep their form", async (t) => {
  const { world, a } = await setUp(t);
  const { ctx, domain } = world;

  for (const name of ["api", "Content", "a b", "", "x".repeat(51)]) {
    await assert.rejects(world.secondDomain(name), { code: "23514" }, name);
  }
  for (const path of ["/a", "a/", "a//b", "./a", "a/..", "a\tb", "", "x".repeat(2049)]) {
    const insert = ctx.db
      .insertInto("content_artifact")
      .values({
        id: uuid7(),
        domain: domain.num,
        content: a,
        artifact: null,
        relative_path: path,
        path_key: uuid7(),
      })
      .execute();
    await assert.rejects(insert, { code: "23514", constraint: "rel_path_check" }, path);
  }
});

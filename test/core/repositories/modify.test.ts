import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx } from "#core/ctx.ts";
import { createVersion } from "#core/repositories/commands.ts";
import { repositoryErrors } from "#core/repositories/errors.ts";
import { latestVersion, memberPages, versionByNumber } from "#core/repositories/queries.ts";
import { addAndRemove } from "#core/repositories/tasks.ts";
import { checkMembership, createCoreWorld } from "../../support/core-world.ts";

test("a new repository has version 0, complete and empty, in one statement", async (t) => {
  const world = await createCoreWorld(t);

  const { statements, result } = await world.statements.count(() => world.repository());

  assert.equal(statements.length, 1);
  const version = await latestVersion(world.ctx.db, world.domain, result.id);
  assert.equal(version?.number, 0);
  assert.deepEqual(version?.counts, {});
  assert.deepEqual(version?.repository.id, result.id);
});

test("names of repositories are unique over all types of a domain", async (t) => {
  const world = await createCoreWorld(t);
  await world.repository({ name: "zoo" });

  await assert.rejects(world.repository({ name: "zoo", type: "zoo.published" }), {
    detail: { name: ["This field must be unique."] },
  });
  const domain = await world.secondDomain("second");
  await world.repository({ name: "zoo", domain });
});

test("modify adds, removes, counts, records and announces", async (t) => {
  const world = await createCoreWorld(t);
  const repository = await world.repository();
  const [a = "", b = ""] = await world.files("a", "b");
  const [note = ""] = await world.notes("n");

  const one = await createVersion(world.job, repository.id, { add: [a, b, note], remove: [] });
  const two = await createVersion(world.job, repository.id, { add: [], remove: [a] });

  assert.deepEqual([one?.number, two?.number], [1, 2]);
  assert.deepEqual(await world.members(repository, 1), ["a", "b", "n"]);
  assert.deepEqual(await world.members(repository, 2), ["b", "n"]);
  const key = { repository: repository.id, number: 2 };
  const version = await versionByNumber(world.ctx.db, world.domain, key);
  assert.deepEqual(version?.counts, {
    present: { "zoo.file": 1, "zoo.note": 1 },
    added: {},
    removed: { "zoo.file": 1 },
  });
  assert.deepEqual(
    world.created.map(({ model, path }) => [model, path]),
    [
      ["core.RepositoryVersion", `repositories/zoo/plain/${repository.id}/versions/1/`],
      ["core.RepositoryVersion", `repositories/zoo/plain/${repository.id}/versions/2/`],
    ],
  );
  assert.deepEqual(await checkMembership(world.ctx), []);
});

test("a change costs 10 statements, no change 2 and leaves nothing", async (t) => {
  const world = await createCoreWorld(t);
  const repository = await world.repository();
  const names = Array.from({ length: 2000 }, (_, index) => `f${index}`);
  const ids = await world.files(...names);
  const modify = (add: string[], remove: string[]) =>
    world.statements.count(() => createVersion(world.job, repository.id, { add, remove }));

  const all = await modify(ids.slice(0, 1990), []);
  const mixed = await modify(ids.slice(1990), ids.slice(0, 20));
  const same = await modify(ids.slice(1990), ids.slice(0, 20));

  assert.ok(all.statements.length <= 10, `${all.statements.length}`);
  assert.ok(mixed.statements.length <= 10, `${mixed.statements.length}`);
  assert.equal(same.result, undefined);
  assert.equal(same.statements.length, 2);
  assert.deepEqual(await world.versionNumbers(repository), [0, 1, 2]);
});

for (const [known, statistics] of [
  ["known", sql`analyze membership, content`],
  ["unknown", undefined],
] as const)
  test(`one unit in and out touches the same rows at 1 000 and at 100 000 members, their number ${known}`, async (t) => {
    const world = await createCoreWorld(t);
    const { ctx, domain } = world;
    const extra = await world.files("folder/one", "folder/two");
    const costs: { rows: number; pages: number }[] = [];
    for (const [index, size] of [1000, 100_000].entries()) {
      const repository = await world.repository();
      await sql`
        with units as (
          insert into content (id, domain, type, natural_key)
          select gen_random_uuid(), ${domain.num}, ${ctx.plugins.contentTypeNum("zoo.note")},
            sha256(convert_to(${size} || '-' || i, 'UTF8')) from generate_series(1, ${size}::int) i
          returning id, type)
        insert into membership (repository, added, domain, type, content)
        select ${repository.num}::int, 0, ${domain.num}::int, type, id from units`.execute(ctx.db);
      await statistics?.execute(ctx.db);
      const unit = [extra[index] ?? ""];
      const before = await pagesSeen(ctx);
      await createVersion(world.job, repository.id, { add: unit, remove: [] });
      await createVersion(world.job, repository.id, { add: [], remove: unit });
      const pages = (await pagesSeen(ctx)) - before;
      costs.push({ pages, rows: await rowsOfVersion(ctx, repository.num, 1) });
    }

    const [small, big] = costs;
    assert.equal(small?.rows, 1);
    assert.equal(big?.rows, 1);
    assert.ok((small?.pages ?? 0) > 10, "something was counted");
    assert.ok((big?.pages ?? 1e9) < (small?.pages ?? 0) + 60, JSON.stringify(costs));
  });

/** Pages of the two big tables that were looked at so far. */
async function pagesSeen({ db }: Ctx): Promise<number> {
  // Each connection of the pool holds back its figures until it is told not to.
  const flush = () => sql`select pg_stat_force_next_flush(), pg_sleep(0.05)`.execute(db);
  await Promise.all(Array.from({ length: 8 }, flush));
  const { rows } = await sql<{ pages: number }>`
    select sum(heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit)::float8 as pages
    from pg_statio_user_tables where relname in ('membership', 'content')`.execute(db);
  return rows[0]?.pages ?? 0;
}

async function rowsOfVersion({ db }: Ctx, repository: number, number: number): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from membership
    where repository = ${repository} and (added = ${number} or removed = ${number})`.execute(db);
  return rows[0]?.n ?? -1;
}

test("a unit of the same slot gives way; two of them in one edit are refused", async (t) => {
  const world = await createCoreWorld(t);
  const repository = await world.repository();
  const [a1 = "", a2 = "", a3 = ""] = await world.files("a@1", "a@2", "a@3");
  await createVersion(world.job, repository.id, { add: [a1], remove: [] });

  const replaced = await createVersion(world.job, repository.id, { add: [a2], remove: [] });
  const twice = () => createVersion(world.job, repository.id, { add: [a1, a3], remove: [] });

  assert.equal(replaced?.number, 2);
  assert.deepEqual(await world.members(repository, 2), ["a@2"]);
  await assert.rejects(twice, {
    code: "PLP0022",
    message: `[PLP0022] Found 1 duplicate contents in repository version(see the logs (cid=${world.job.caller.correlationId}) for details).`,
  });
  assert.deepEqual(await world.versionNumbers(repository), [0, 1, 2]);
  assert.deepEqual(await checkMembership(world.ctx), []);
});

test("without overwrite a unit of the same slot is refused unless it is removed", async (t) => {
  const world = await createCoreWorld(t);
  const repository = await world.repository();
  const [a1 = "", a2 = "", b = ""] = await world.files("a@1", "a@2", "b");
  await createVersion(world.job, repository.id, { add: [a1], remove: [] });
  const edit = { add: [a2, b], remove: [], overwrite: false };

  await assert.rejects(createVersion(world.job, repository.id, edit), {
    code: "PLP0023",
    message: `[PLP0023] Content overwrite rejected: new content of type 'zoo.file' would overwrite 1 existing content unit(s) in the repository based on repo_key_fields. Conflicting content (incoming->existing): [${a2}->${a1}]`,
  });
  await createVersion(world.job, repository.id, { ...edit, remove: [a1] });

  assert.deepEqual(await world.members(repository, 2), ["a@2", "b"]);
});

test("star removes the latest members, also with a base", async (t) => {
  const world = await createCoreWorld(t);
  const repository = await world.repository();
  const other = await world.repository();
  const [a = "", b = "", c = ""] = await world.files("a", "b", "c");
  await createVersion(world.job, repository.id, { add: [a, b], remove: [] });
  const base = await createVersion(world.job, other.id, { add: [b, c], remove: [] });
  const baseVersion = base?.id ?? "";

  await createVersion(world.job, repository.id, { add: [], remove: "*", baseVersion });
  await createVersion(world.job, repository.id, { add: [a], remove: "*" });
  await createVersion(world.job, repository.id, { add: [], remove: "*" });
  const none = await createVersion(world.job, repository.id, { add: [], remove: "*" });

  assert.deepEqual(await world.members(repository, 2), ["c"]);
  assert.deepEqual(await world.members(repository, 3), ["a"]);
  assert.deepEqual(await world.members(repository, 4), []);
  assert.equal(none, undefined);
  assert.deepEqual(await checkMembership(world.ctx), []);
});

test("a base is the start, whichever repository it is of", async (t) => {
  const world = await createCoreWorld(t);
  const repository = await world.repository();
  const [a = "", a2 = "", b = "", c = ""] = await world.files("a", "a@2", "b", "c");
  const one = await createVersion(world.job, repository.id, { add: [a, b], remove: [] });
  await createVersion(world.job, repository.id, { add: [c], remove: [a] });
  const baseVersion = one?.id ?? "";

  const back = await createVersion(world.job, repository.id, { add: [], remove: [], baseVersion });
  const same = await createVersion(world.job, repository.id, { add: [], remove: [], baseVersion });
  const edit = { add: [a2], remove: [b], baseVersion };
  const { statements } = await world.statements.count(() =>
    createVersion(world.job, repository.id, edit),
  );
  const refused = () =>
    createVersion(world.job, repository.id, { ...edit, remove: [], overwrite: false });

  assert.equal(back?.number, 3);
  assert.deepEqual(await world.members(repository, 3), ["a", "b"]);
  assert.equal(same, undefined);
  assert.deepEqual(await world.members(repository, 4), ["a@2"]);
  assert.ok(statements.length <= 10, statements.join());
  await assert.rejects(refused, { code: "PLP0023" });
  const key = { repository: repository.id, number: 4 };
  assert.equal((await versionByNumber(world.ctx.db, world.domain, key))?.baseVersion, baseVersion);
  assert.deepEqual(await checkMembership(world.ctx), []);
});

test("a file that is a folder of another one is refused, both ways round", async (t) => {
  const world = await createCoreWorld(t);
  const repository = await world.repository();
  const ids = await world.files("a/b/c", "a/b", "a", "a/b/c/d", "a/b-x", "a/b/d", "ab");
  const [abc = "", ab = "", a = "", abcd = "", abx = "", abd = "", plain = ""] = ids;
  await createVersion(world.job, repository.id, { add: [abc], remove: [] });
  const add = (...units: string[]) =>
    createVersion(world.job, repository.id, { add: units, remove: [] });

  await assert.rejects(add(ab), {
    message:
      "Repository version errors : Path errors found. The path for file 'a/b/c' overlaps: a/b",
  });
  await assert.rejects(add(a), repositoryErrors.overlappingPath.is);
  await assert.rejects(add(abcd), {
    message:
      "Repository version errors : Path errors found. The path for file 'a/b/c/d' overlaps: a/b/c",
  });
  await add(abx, abd, plain);
  await createVersion(world.job, repository.id, { add: [ab], remove: [abc, abd] });

  assert.deepEqual(await world.members(repository, 3), ["a/b", "a/b-x", "ab"]);
});

test("units that do not exist, or belong elsewhere, or have another type, are refused", async (t) => {
  const world = await createCoreWorld(t);
  const repository = await world.repository();
  const narrow = await world.repository({ type: "zoo.narrow" });
  const [file = ""] = await world.files("a");
  const nobody = uuid7();

  await assert.rejects(
    createVersion(world.job, repository.id, { add: [nobody, file], remove: [] }),
    {
      message: `Could not find the following content units: ['${nobody}']`,
    },
  );
  await assert.rejects(createVersion(world.job, narrow.id, { add: [file], remove: [] }), {
    message: "Saw unsupported content types {'zoo.file'}",
  });
  await assert.rejects(
    createVersion(world.job, repository.id, { add: [], remove: [], baseVersion: nobody }),
    repositoryErrors.versionGone.is,
  );
  await assert.rejects(
    createVersion(world.job, uuid7(), { add: [file], remove: [] }),
    repositoryErrors.gone.is,
  );
  assert.deepEqual(await world.versionNumbers(repository), [0]);
});

test("removing and adding the same unit leaves it, and leaves no version", async (t) => {
  const world = await createCoreWorld(t);
  const repository = await world.repository();
  const [a = ""] = await world.files("a");
  await createVersion(world.job, repository.id, { add: [a], remove: [] });

  const edited = await createVersion(world.job, repository.id, { add: [a], remove: [a] });

  assert.equal(edited, undefined);
});

test("rules of the type run inside the transaction, autopublish after it", async (t) => {
  const world = await createCoreWorld(t);
  const repository = await world.repository({ type: "zoo.published" });
  const [a = "", b = ""] = await world.files("a", "b");
  const seen: unknown[] = [];
  world.hooks.finalizeVersion = async (trx, { repository: { num }, n }) => {
    await sql`
      delete from membership where repository = ${num} and added = ${n} and content = ${b}`.execute(
      trx,
    );
  };
  world.hooks.onNewVersion = async (job, { id, number }) => {
    const version = await latestVersion(job.ctx.db, world.domain, repository.id);
    seen.push([number, version?.id === id, version?.counts.present]);
  };

  await createVersion(world.job, repository.id, { add: [a, b], remove: [] });
  world.hooks.finalizeVersion = () => Promise.reject(new Error("against the rules"));
  const refused = createVersion(world.job, repository.id, { add: [b], remove: [] });

  await assert.rejects(refused, /against the rules/);
  assert.deepEqual(seen, [[1, true, { "zoo.file": 1 }]]);
  assert.deepEqual(await world.members(repository, 1), ["a"]);
  assert.deepEqual(await checkMembership(world.ctx), []);
});

test("members are read a page at a time", async (t) => {
  const world = await createCoreWorld(t);
  const repository = await world.repository();
  const files = await world.files("a", "b", "c", "d", "e");
  const notes = await world.notes("n");
  await createVersion(world.job, repository.id, { add: [...files, ...notes], remove: [] });
  const range = { repository: repository.num, number: 1 };
  const types = [world.ctx.plugins.contentTypeNum("zoo.file")];

  const pages = await Array.fromAsync(memberPages(world.ctx.db, range, { pageSize: 2, types }));

  assert.deepEqual(
    pages.map((page) => page.length),
    [2, 2, 1],
  );
  assert.deepEqual(
    pages.flat().map(({ id }) => id),
    [...files].sort(),
  );
});

test("the task of modify takes the ids of the wire", async (t) => {
  const world = await createCoreWorld(t);
  const repository = await world.repository();
  const [a = ""] = await world.files("a");

  const result = await addAndRemove.run(world.job, {
    repository: repository.id,
    add: [a],
    remove: "*",
    overwrite: true,
  });

  assert.equal(result, null);
  assert.deepEqual(await world.members(repository, 1), ["a"]);
});

test("two modifications at the same time make two versions", async (t) => {
  const world = await createCoreWorld(t);
  const repository = await world.repository();
  const ids = await world.files("a", "b", "c", "d");

  await Promise.all(
    ids.map((id) => createVersion(world.job, repository.id, { add: [id], remove: [] })),
  );

  assert.deepEqual(await world.members(repository, 4), ["a", "b", "c", "d"]);
  assert.deepEqual(await checkMembership(world.ctx), []);
});

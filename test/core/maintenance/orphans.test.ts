import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { prn } from "#base/prn.ts";
import { cleanUpOrphans, cleanUpTemporaryFiles, cleanUpUploads } from "#core/maintenance/tasks.ts";
import { addMembers, completeVersion, openVersion } from "#core/repositories/commands.ts";
import { createUpload, putChunk } from "#core/uploads/commands.ts";
import { checkMembership } from "../../support/core-world.ts";
import {
  assertSound,
  beatOfAnother,
  crashEverywhere,
  intents,
  receive,
} from "../artifacts/support.ts";
import { createMaintenanceWorld } from "./support.ts";

const state = (
  job: { report(code: string): { done: number; total?: number; state: string } | undefined },
  code: string,
) => {
  const report = job.report(code);
  return report && [report.done, report.total, report.state];
};

test("units that no version has go with their files, when they are old enough", async (t) => {
  const world = await createMaintenanceWorld(t);
  const repository = await world.repository();
  const [member, former, orphan] = [
    await world.unit("member"),
    await world.unit("former"),
    await world.unit("orphan"),
  ];
  await world.version(repository, [member, former]);
  await world.version(repository, [], [former]);
  await world.store("bytes of nobody");
  await world.age();
  await world.unit("fresh");

  const job = await world.run(cleanUpOrphans, { protectionMinutes: null });

  assert.ok(orphan);
  assert.deepEqual(await world.units(), ["former", "fresh", "member"]);
  assert.equal(await world.artifactCount(), 3);
  assert.deepEqual(state(job, "clean-up.content"), [1, 1, "completed"]);
  assert.deepEqual(state(job, "clean-up.artifacts"), [2, 2, "completed"]);
  assert.equal(job.report("clean-up.content")?.message, "Clean up orphan Content");
  assert.equal(job.report("clean-up.artifacts")?.message, "Clean up orphan Artifacts");
  const counts = await world.ctx.db.selectFrom("content_count").select("n").execute();
  assert.deepEqual(counts, [{ n: 3 }]);
  assert.deepEqual(await intents(world.ctx), []);
  await assertSound(world);

  await world.run(cleanUpOrphans, { protectionMinutes: 0 });
  assert.deepEqual(await world.units(), ["former", "member"]);
  await assertSound(world);
});

test("only the units that were named go", async (t) => {
  const world = await createMaintenanceWorld(t);
  const [one, two] = [await world.unit("one"), await world.unit("two")];
  await world.unit("three");
  const content = [one, prn("zoo.file", two)];
  await world.run(cleanUpOrphans, { content, protectionMinutes: 0 });
  assert.deepEqual(await world.units(), ["three"]);
});

test("one domain is cleaned, or everywhere", async (t) => {
  const world = await createMaintenanceWorld(t);
  const other = await world.secondDomain("other");
  await world.store("mine");
  await world.store("theirs", other);
  await world.run(cleanUpOrphans, { protectionMinutes: 0 });
  assert.equal(await world.artifactCount(), 1);
  await world.run(cleanUpOrphans, { protectionMinutes: 0, everywhere: true });
  assert.equal(await world.artifactCount(), 0);
  await assertSound(world);
});

test("the schedule finds candidates and what was made since, and looks at all again in time", async (t) => {
  const world = await createMaintenanceWorld(t);
  const { ctx } = world;
  const sweep = () => world.run(cleanUpOrphans, { everywhere: true });
  await world.unit("first");
  await world.unit("unnoticed");
  await world.age();
  await world.unit("fresh");
  const touched = await world.unit("touched");
  await sql`update content set created = created - interval '5 days' where id = ${touched}`.execute(
    ctx.db,
  );
  await sweep();
  assert.deepEqual(await world.units(), ["fresh", "touched"], "the first sweep looks at all");

  await world.age(2);
  await world.unit("made since");
  await world.age(2);
  const candidate = await world.unit("candidate");
  await sql`update content set created = created - interval '30 days', touched = touched - interval '3 days'
    where id = ${candidate}`.execute(ctx.db);
  await sql`insert into orphan_candidate select domain, id from content where id = ${candidate}`.execute(
    ctx.db,
  );
  const lost = await world.unit("lost");
  await sql`update content set created = created - interval '30 days', touched = touched - interval '3 days'
    where id = ${lost}`.execute(ctx.db);
  await sweep();
  assert.deepEqual(await world.units(), ["lost"], "made since, touched then, or a candidate");

  await sql`update system_setting set value = value || jsonb_build_object('full', now() - interval '8 days')
    where name like 'orphan_sweep:%'`.execute(ctx.db);
  await sweep();
  assert.deepEqual(await world.units(), []);
  const left = await ctx.db.selectFrom("orphan_candidate").selectAll().execute();
  assert.deepEqual(left, []);
});

test("a batch of 2 000 units takes at most six statements besides its files", async (t) => {
  const world = await createMaintenanceWorld(t);
  await world.files(...Array.from({ length: 50 }, (_, n) => `f${n}`));
  const { statements } = await world.statements.count(() =>
    world.run(cleanUpOrphans, { protectionMinutes: 0 }),
  );
  // Plan; lock, delete; the artifacts; what the next sweep is told.
  assert.ok(statements.length <= 7, statements.join("\n"));
  assert.deepEqual(await world.units(), []);
});

test("those who add units while they are swept lose none", async (t) => {
  const world = await createMaintenanceWorld(t);
  const { ctx } = world;
  const names = Array.from({ length: 40 }, (_, n) => `unit ${n}`);
  const until = Date.now() + 3_000;
  let versions = 0;
  const adder = async (offset: number) => {
    const repository = await world.repository();
    while (Date.now() < until) {
      const draft = await openVersion(world.job(), repository.id, { mirror: true });
      const mine = names.filter((_, n) => (n + offset + versions) % 3 === 0);
      let ids = await world.files(...mine);
      for (;;) {
        const { missing } = await addMembers(ctx, draft, ids);
        if (missing.length === 0) break;
        ids = await world.files(...mine);
      }
      if (await completeVersion(world.job(), draft)) versions += 1;
      assert.ok((await world.members(repository, draft.n)).length <= mine.length);
    }
  };
  const sweeper = async () => {
    while (Date.now() < until) await world.run(cleanUpOrphans, { protectionMinutes: 0 });
  };
  await Promise.all([adder(0), adder(1), sweeper(), sweeper()]);
  assert.ok(versions > 4, `${versions} versions`);
  assert.deepEqual(await checkMembership(ctx), []);
  await assertSound(world);
});

test("a crash in the middle of a clean-up loses and leaks nothing", async (t) => {
  const world = await createMaintenanceWorld(t);
  const points = await crashEverywhere(
    async (attempt) => {
      await world.unit(`orphan ${attempt}`);
      await world.run(cleanUpOrphans, { protectionMinutes: 0 });
    },
    async () => {
      await assertSound(world);
      await beatOfAnother(world);
      await assertSound(world);
    },
  );
  for (const point of ["orphans.batch", "artifacts.deleted", "sweep.removed"])
    assert.ok(points.includes(point), point);
  assert.deepEqual(await world.units(), []);
});

test("a unit that a table of a plugin holds stays, and the others go", async (t) => {
  const world = await createMaintenanceWorld(t);
  const { ctx } = world;
  const held = await world.unit("held");
  await world.unit("free");
  await sql`create table zoo_cage (domain int, unit uuid, foreign key (domain, unit) references content (domain, id))`.execute(
    ctx.db,
  );
  await sql`insert into zoo_cage select domain, id from content where id = ${held}`.execute(ctx.db);
  const job = await world.run(cleanUpOrphans, { protectionMinutes: 0 });
  assert.deepEqual(await world.units(), ["held"]);
  assert.deepEqual(state(job, "clean-up.content"), [1, 2, "completed"]);
  assert.equal(job.report("clean-up.content.skipped")?.done, 1);
  await assertSound(world);
});

test("stale uploads and temporary files of every domain go with their files", async (t) => {
  const settings = { UPLOAD_PROTECTION_TIME: 60, TMPFILE_PROTECTION_TIME: 60 };
  const world = await createMaintenanceWorld(t, { settings });
  const { ctx, domain } = world;
  const other = await world.secondDomain("other");
  for (const where of [domain, other]) {
    const { id } = await createUpload(ctx, where, { sizeBytes: 4 });
    await using file = await receive({ ctx, domain: where }, "part");
    await putChunk(ctx, where, { uploadId: id, file, contentRange: "bytes 0-3/4" });
  }
  await sql`update upload set created = created - interval '2 hours'`.execute(ctx.db);
  const { id: fresh } = await createUpload(ctx, domain, { sizeBytes: 4 });
  const temporary = crypto.randomUUID();
  const object = `tmp/files/${temporary.slice(0, 2)}/${temporary.slice(2)}`;
  {
    await using file = await receive(world, "temporary");
    await ctx.storage(domain).place(file.file, object);
  }
  await sql`insert into temporary_file (id, domain, file, created)
    values (${temporary}, ${domain.num}, ${object}, now() - interval '2 hours')`.execute(ctx.db);
  await assertSound(world);

  const uploads = await world.run(cleanUpUploads, {});
  const files = await world.run(cleanUpTemporaryFiles, {});

  assert.deepEqual(state(uploads, "clean-up.uploads"), [2, 2, "completed"]);
  assert.deepEqual(state(files, "clean-up.tmpfiles"), [1, 1, "completed"]);
  const left = await ctx.db.selectFrom("upload").select("id").execute();
  assert.deepEqual(left, [{ id: fresh }]);
  assert.equal(await ctx.storage(domain).stat(object), undefined);
  assert.deepEqual(await intents(ctx), []);
  await assertSound(world);
});

test("protection times of zero remove nothing", async (t) => {
  const world = await createMaintenanceWorld(t);
  await createUpload(world.ctx, world.domain, { sizeBytes: 4 });
  await sql`update upload set created = created - interval '9 days'`.execute(world.ctx.db);
  await world.run(cleanUpUploads, {});
  await world.run(cleanUpTemporaryFiles, {});
  assert.equal((await world.ctx.db.selectFrom("upload").select("id").execute()).length, 1);
});

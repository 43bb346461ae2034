import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { type TestContext, test } from "node:test";
import { Type } from "@sinclair/typebox";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import {
  receiveFile,
  saveArtifact,
  sweepIncoming,
  sweepPlacing,
} from "#core/artifacts/commands.ts";
import { objectName } from "#core/artifacts/queries.ts";
import { createDomain, deleteDomain, updateDomain } from "#core/domains/commands.ts";
import { migrateStore } from "#core/domains/migrate.ts";
import { openOptions, storeOptions } from "#core/domains/rules.ts";
import { domainStores } from "#core/domains/stores.ts";
import { FILE_SYSTEM } from "#core/domains/types.ts";
import { defineTask } from "#core/plugin-contract.ts";
import { dispatch } from "#core/tasks/commands.ts";
import { createUpload, putChunk, takeUpload } from "#core/uploads/commands.ts";
import { createContext, type TestContextValue } from "../../support/context.ts";
import { createJob } from "../../support/job.ts";

type Domain = TestContextValue["domain"];
type Ctx = TestContextValue["ctx"];

const storeAt = (location: string) => ({
  storageClass: FILE_SYSTEM,
  options: storeOptions(FILE_SYSTEM, { location }),
});

async function addDomain({ ctx }: TestContextValue, name: string, location: string) {
  const id = await createDomain(ctx, { name, store: storeAt(location) });
  return ctx.db
    .selectFrom("domain")
    .select(["num", "id", "name"])
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
}

async function save(ctx: Ctx, domain: Domain, text: string) {
  await using file = await receiveFile(ctx, domain, Readable.from([Buffer.from(text)]));
  return await saveArtifact(ctx, domain, file);
}

const bytesAt = (root: string, domain: Domain, sha256: string) =>
  readFile(join(root, objectName(domain, sha256)), "utf8").catch(() => undefined);

async function createWorld(t: TestContext) {
  const world = await createContext(t);
  const [near, far] = [join(world.mediaRoot, "near"), join(world.mediaRoot, "far")];
  return { ...world, near, far, team: await addDomain(world, "team", near) };
}

test("each domain keeps its files below its own root; the same bytes are there twice", async (t) => {
  const { ctx, domain, team, near, mediaRoot } = await createWorld(t);
  const other = await addDomain({ ctx } as TestContextValue, "other", "");

  const saved = [];
  for (const one of [domain, team, other]) saved.push(await save(ctx, one, "same"));

  assert.equal(new Set(saved.map(({ id }) => id)).size, 3);
  const sha256 = saved[0]?.sha256 ?? "";
  assert.equal(await bytesAt(mediaRoot, domain, sha256), "same");
  assert.equal(await bytesAt(near, team, sha256), "same");
  assert.equal(await bytesAt(mediaRoot, other, sha256), "same");
  assert.deepEqual(await readdir(join(near, "artifact")), [team.id]);
});

test("a process that remembers the old store places its file again in the new one", async (t) => {
  const world = await createWorld(t);
  const { ctx, team, near, far } = world;
  // Its clock stands still, so it never forgets by itself.
  const clock = { now: () => 0 };
  const beside = await createContext(t, { beside: world });
  const home = beside.ctx.storage(beside.domain);
  const storage = domainStores({ ...beside.ctx, clock, home, open: beside.ctx.openStore });
  const late: Ctx = { ...beside.ctx, clock, storage };
  await save(late, team, "before");

  await updateDomain(ctx, team, { store: storeAt(far) });
  const { sha256 } = await save(late, team, "after");
  const upload = await createUpload(late, team, { sizeBytes: 5 });
  await updateDomain(ctx, team, { store: storeAt(near) });
  await using file = await receiveFile(late, team, Readable.from([Buffer.from("chunk")]));
  await putChunk(late, team, { uploadId: upload.id, file, contentRange: "bytes 0-4/5" });

  assert.equal(await bytesAt(far, team, sha256), "after");
  const [chunk] = await ctx.db.selectFrom("upload_chunk").select("file").execute();
  assert.equal(await readFile(join(near, chunk?.file ?? ""), "utf8"), "chunk");
  const taken = await takeUpload(ctx, team, upload.id);
  assert.equal(await bytesAt(near, team, taken.sha256), "chunk");
});

test("settings are sealed leaf by leaf, and opened again", async (t) => {
  const { ctx, team } = await createWorld(t);
  const row = await ctx.db
    .selectFrom("domain")
    .select("storage_settings")
    .where("num", "=", team.num)
    .executeTakeFirstOrThrow();
  const sealed = row.storage_settings;

  for (const leaf of Object.values(sealed)) assert.match(String(leaf), /^sealed:/);
  assert.equal(openOptions(sealed, ctx.secrets).file_permissions_mode, 0o644);
});

test("a migration copies artifacts and chunks, names what it cannot read, and then switches", async (t) => {
  const world = await createWorld(t);
  const { ctx, team, near, far, logged } = world;
  const kept = await save(ctx, team, "kept");
  const lost = await save(ctx, team, "lost");
  const damaged = await save(ctx, team, "damaged");
  const legacy = await save(ctx, team, "legacy");
  const upload = await createUpload(ctx, team, { sizeBytes: 5 });
  await using file = await receiveFile(ctx, team, Readable.from([Buffer.from("chunk")]));
  await putChunk(ctx, team, { uploadId: upload.id, file, contentRange: "bytes 0-4/5" });
  await rm(join(near, objectName(team, lost.sha256)));
  await writeFile(join(near, objectName(team, damaged.sha256)), "garbage");
  await writeFile(join(near, "old-name"), "legacy");
  await rm(join(near, objectName(team, legacy.sha256)));
  const rename = ctx.db.updateTable("artifact").set({ file: "old-name" });
  await rename.where("id", "=", legacy.id).execute();

  const job = createJob({ ...world, caller: { ...world.caller, domain: team } });
  await migrateStore(job, team, storeAt(far));

  assert.equal(await bytesAt(far, team, kept.sha256), "kept");
  assert.equal(await bytesAt(far, team, legacy.sha256), "legacy");
  assert.equal(await bytesAt(far, team, damaged.sha256), undefined);
  assert.equal(await bytesAt(near, team, kept.sha256), "kept", "old files stay");
  const [chunk] = await ctx.db.selectFrom("upload_chunk").select("file").execute();
  assert.equal(await readFile(join(far, chunk?.file ?? ""), "utf8"), "chunk");
  const rows = await ctx.db.selectFrom("artifact").select("file").execute();
  assert.deepEqual(new Set(rows.map((row) => row.file)), new Set([null]));
  assert.deepEqual(
    job.reports.map(({ code, done, total, state }) => [code, done, total, state]),
    [
      ["migrate", 3, 3, "completed"],
      ["update", 1, 1, "completed"],
      ["migrate.skipped", 2, 2, "completed"],
    ],
  );
  assert.ok(logged.some((line) => line.includes("2 files could not be read")));
  const next = await save(ctx, team, "next");
  assert.equal(await bytesAt(far, team, next.sha256), "next");
});

test("files that are stored while a domain moves arrive in its new store", async (t) => {
  const world = await createWorld(t);
  const { ctx, team, far } = world;
  const beside = await createContext(t, { beside: world });
  const saved = await Promise.all([1, 2, 3].map((n) => save(ctx, team, `first ${n}`)));
  const state = { isDone: false };
  const write = async (into: Ctx, name: string) => {
    for (let n = 0; !state.isDone || n < 5; n += 1)
      saved.push(await save(into, team, `${name} ${n}`));
  };

  const writers = [write(ctx, "here"), write(beside.ctx, "there")];
  const job = createJob({ ...world, caller: { ...world.caller, domain: team } });
  await migrateStore(job, team, storeAt(far));
  state.isDone = true;
  await Promise.all(writers);

  assert.ok(saved.length >= 13);
  for (const { sha256 } of saved) assert.ok(await bytesAt(far, team, sha256), sha256);
});

test("a domain takes its files along when it goes", async (t) => {
  const world = await createWorld(t);
  const { ctx, team, near } = world;
  const { sha256 } = await save(ctx, team, "bytes");
  const signal = new AbortController().signal;

  await deleteDomain({ ctx, signal }, team);

  assert.equal(await bytesAt(near, team, sha256), undefined);
  assert.deepEqual(await ctx.db.selectFrom("artifact").select("id").execute(), []);
  assert.deepEqual(await ctx.db.selectFrom("storage_intent").select("object").execute(), []);
  await assert.rejects(ctx.storage({ ...team, num: 99_999 }).stat("x"), { code: "domain-gone" });
});

test("tasks that wait in a domain are cancelled when it goes", async (t) => {
  const waiting = defineTask({
    ...{ name: "test.waits", label: "test", input: Type.Object({}) },
    run: async () => null,
  });
  const world = await createContext(t, { tasks: [waiting] });
  const team = await addDomain(world, "team", "");
  const { ctx } = world;
  const caller = { ...world.caller, domain: team };
  const { id } = await dispatch(ctx, { task: waiting, input: {}, caller });

  await deleteDomain({ ctx, signal: new AbortController().signal }, team);

  for (const table of ["task", "task_queue", "task_held", "task_wait", "domain"] as const) {
    const { rows } = await sql`select from ${sql.table(table)}`.execute(ctx.db);
    assert.equal(rows.length, table === "domain" ? 1 : 0, `${table} ${id}`);
  }
});

test("leftovers of dead processes are removed from every root", async (t) => {
  const { ctx, near, team } = await createWorld(t);
  await save(ctx, team, "bytes");
  const folder = join(near, "tmp/incoming", uuid7());
  await mkdir(folder);
  await writeFile(join(folder, "x"), "half");
  const longAgo = new Date(Date.now() - 3_600_000);
  for (const path of [join(folder, "x"), folder]) await utimes(path, longAgo, longAgo);

  await sweepIncoming(ctx);

  await assert.rejects(readdir(folder), { code: "ENOENT" });
});

test("every store takes back what is a day old; one that fails keeps no other from it", async (t) => {
  const { ctx, domain } = await createWorld(t);
  const asked: number[] = [];
  const home = Object.create(ctx.storage(domain), {
    sweep: { value: () => Promise.reject(new Error("away")) },
  });
  const other = Object.create(ctx.storage(domain), {
    sweep: { value: async (before: number) => asked.push(before) },
  });
  const openStore = () => other;
  const { signal } = new AbortController();

  await sweepPlacing({ ...ctx, storage: () => home, openStore }, signal);

  const dayMs = 24 * 3_600_000;
  assert.deepEqual(
    asked.map((before) => Math.abs(ctx.clock.now() - dayMs - before) < 600_000),
    [true],
  );
  await sweepPlacing({ ...ctx, openStore }, AbortSignal.abort());
  assert.equal(asked.length, 1);
});

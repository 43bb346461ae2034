import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { access, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { ValidationError } from "#base/errors.ts";
import { mapBounded } from "#base/parallel.ts";
import {
  createArtifact,
  deleteArtifact,
  receiveFile,
  saveArtifact,
  saveArtifacts,
  sweepIncoming,
  sweepStorageIntents,
} from "#core/artifacts/commands.ts";
import { artifactErrors } from "#core/artifacts/errors.ts";
import { announceObjects } from "#core/artifacts/intents.ts";
import { findArtifactsBySha256 } from "#core/artifacts/queries.ts";
import type { SavedArtifact } from "#core/artifacts/types.ts";
import { retryOnConflict } from "#core/transaction.ts";
import { digestsOf } from "../../contract/storage.ts";
import { createContext, type TestContextValue } from "../../support/context.ts";
import {
  assertSound,
  beatOfAnother,
  crashEverywhere,
  expireIntents,
  intents,
  objectOf,
  receive,
  sha256Of,
} from "./support.ts";

async function store(world: TestContextValue, bytes: Buffer | string): Promise<SavedArtifact> {
  await using file = await receive(world, bytes);
  return await saveArtifact(world.ctx, world.domain, file);
}

const has = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const refusal = (text: string) => (error: unknown) =>
  error instanceof ValidationError && JSON.stringify(error.detail).includes(text);

test("a file becomes an artifact with every digest, counted once", async (t) => {
  const world = await createContext(t);
  const { ctx, domain } = world;
  const bytes = randomBytes(200_000);
  const first = await store(world, bytes);
  const again = await store(world, bytes);

  assert.deepEqual(first, {
    id: first.id,
    sha256: sha256Of(bytes),
    sizeBytes: 200_000,
    isNew: true,
  });
  assert.deepEqual(again, { ...first, isNew: false });
  const row = await ctx.db.selectFrom("artifact_digest").selectAll().executeTakeFirstOrThrow();
  const { sha224, sha384, sha512 } = digestsOf(bytes);
  assert.equal(row.sha224?.toString("hex"), sha224);
  assert.equal(row.sha384?.toString("hex"), sha384);
  assert.equal(row.sha512?.toString("hex"), sha512);
  assert.equal(row.md5, null);
  const found = await findArtifactsBySha256(ctx.db, domain, [first.sha256, sha256Of("nothing")]);
  assert.deepEqual(
    [...found.values()].map(({ id }) => id),
    [first.id],
  );
  assert.deepEqual(await intents(ctx), []);
  await assertSound(world);
});

test("a batch stores each file once and answers in its order", async (t) => {
  const world = await createContext(t);
  const { ctx, domain } = world;
  const texts = ["b", "a", "", "b", "c"];
  await store(world, "c");
  const files = await mapBounded(texts, 4, (text) => receive(world, text));
  const saved = await saveArtifacts(ctx, domain, files);
  for (const file of files) await file[Symbol.asyncDispose]();

  assert.deepEqual(
    saved.map(({ sha256 }) => sha256),
    texts.map(sha256Of),
  );
  assert.deepEqual(
    saved.map(({ isNew }) => isNew),
    [true, true, true, false, false],
  );
  assert.equal(saved[0]?.id, saved[3]?.id);
  await assertSound(world);
});

test("storing a file takes two statements, and none more for a batch", async (t) => {
  const statements: string[] = [];
  const world = await createContext(t, { onStatement: (text) => statements.push(text) });
  for (const count of [1, 30]) {
    const files = await mapBounded([...Array(count).keys()], 8, (n) =>
      receive(world, `${count}-${n}`),
    );
    statements.length = 0;
    await saveArtifacts(world.ctx, world.domain, files);
    assert.equal(statements.length, 2);
    for (const file of files) await file[Symbol.asyncDispose]();
  }
});

test("objects of another domain have a folder of their own", async (t) => {
  const world = await createContext(t);
  const other = await world.ctx.db
    .insertInto("domain")
    .values({
      id: crypto.randomUUID(),
      name: "other",
      storage_class: "pulpcore.app.models.storage.FileSystem",
    })
    .returning(["num", "id", "name"])
    .executeTakeFirstOrThrow();
  const mine = await store(world, "same");
  const theirs = await store({ ...world, domain: other }, "same");

  assert.notEqual(mine.id, theirs.id);
  const sha256 = sha256Of("same");
  const path = `artifact/${other.id}/${sha256.slice(0, 2)}/${sha256.slice(2)}`;
  assert.equal(await readFile(join(world.mediaRoot, path), "utf8"), "same");
  await assertSound(world);
});

test("eight uploads of the same bytes make one artifact", async (t) => {
  const world = await createContext(t);
  const beside = await createContext(t, { beside: world });
  const bytes = randomBytes(100_000);
  const all = await Promise.all(
    Array.from({ length: 8 }, (_, n) => store(n % 2 === 0 ? world : beside, bytes)),
  );
  assert.equal(new Set(all.map(({ id }) => id)).size, 1);
  assert.equal(all.filter(({ isNew }) => isNew).length, 1);
  assert.deepEqual(await intents(world.ctx), []);
  await assertSound(world);
});

test("a crash at any point of a store loses and leaks nothing", async (t) => {
  const world = await createContext(t);
  const points = await crashEverywhere(
    async (attempt) => {
      // Nobody disposes the file: a process that died does not tidy up.
      const file = await receive(world, `bytes ${attempt}`);
      await saveArtifact(world.ctx, world.domain, file);
    },
    async (point) => {
      await beatOfAnother(world);
      assert.deepEqual(await intents(world.ctx), [], point);
      await assertSound(world);
      const attempt = points_(point);
      const again = await store(world, `bytes ${attempt}`);
      assert.equal(again.isNew, point !== "artifact.recorded", point);
    },
  );
  assert.deepEqual(points, ["artifact.announced", "artifact.placed", "artifact.recorded"]);
  await beatOfAnother(world);
  await assertSound(world);
});

const points_ = (point: string): number =>
  ["artifact.announced", "artifact.placed", "artifact.recorded"].indexOf(point);

test("a crash at any point of a removal loses and leaks nothing", async (t) => {
  const world = await createContext(t);
  const { ctx, domain } = world;
  const points = await crashEverywhere(
    async (attempt) => {
      const { id } = await store(world, `doomed ${attempt}`);
      await deleteArtifact(ctx, domain, id);
    },
    async () => {
      await assertSound(world);
      await beatOfAnother(world);
      assert.deepEqual(await intents(ctx), []);
      await assertSound(world);
    },
  );
  assert.ok(points.includes("artifact.deleted") && points.includes("sweep.removed"), `${points}`);
});

test("a removed artifact takes its file with it", async (t) => {
  const world = await createContext(t);
  const { ctx, domain, mediaRoot } = world;
  const { id } = await store(world, "doomed");
  await deleteArtifact(ctx, domain, id);
  assert.equal(await has(join(mediaRoot, objectOf(world, "doomed"))), false);
  await assert.rejects(deleteArtifact(ctx, domain, id), artifactErrors.notFound.is);
  await assertSound(world);
});

test("an artifact of a unit cannot be removed", async (t) => {
  const world = await createContext(t);
  const { ctx, domain } = world;
  const { id } = await store(world, "needed");
  await useArtifact(world, id);
  await assert.rejects(
    deleteArtifact(ctx, domain, id),
    (error) =>
      artifactErrors.inUse.is(error) &&
      error.message === "The Artifact cannot be deleted because it is associated with Content.",
  );
  await assertSound(world);
});

async function useArtifact({ ctx, domain }: TestContextValue, artifact: string): Promise<void> {
  const id = crypto.randomUUID();
  await sql`insert into content (id, domain, type, natural_key)
    values (${id}, ${domain.num}, 1, ${Buffer.alloc(32)})`.execute(ctx.db);
  await sql`insert into content_artifact (id, domain, content, artifact, relative_path, path_key)
    values (gen_random_uuid(), ${domain.num}, ${id}, ${artifact}, 'x', gen_random_uuid())`.execute(
    ctx.db,
  );
}

test("a file that is missing or cut off comes back with the next store", async (t) => {
  const world = await createContext(t);
  const path = join(world.mediaRoot, objectOf(world, "precious"));
  const first = await store(world, "precious");
  for (const damage of [() => rm(path), () => truncate(path, 3)]) {
    await damage();
    assert.deepEqual(await store(world, "precious"), { ...first, isNew: false });
    assert.equal(await readFile(path, "utf8"), "precious");
    assert.deepEqual(await intents(world.ctx), []);
    await assertSound(world);
  }
});

test("a damaged file is replaced only where that is asked for", async (t) => {
  const world = await createContext(t);
  const { ctx, domain, mediaRoot } = world;
  const path = join(mediaRoot, objectOf(world, "precious"));
  const first = await store(world, "precious");
  await writeFile(path, "prEcious");
  await store(world, "precious");
  assert.equal(await readFile(path, "utf8"), "prEcious");
  const file = await receive(world, "precious");
  const [saved] = await saveArtifacts(ctx, domain, [file], { replace: true });
  await file[Symbol.asyncDispose]();
  assert.deepEqual(saved, { ...first, isNew: false });
  assert.equal(await readFile(path, "utf8"), "precious");
  await assertSound(world);
});

test("a name of its own gives way to the canonical one when its file is lost", async (t) => {
  const world = await createContext(t);
  const { ctx, mediaRoot } = world;
  const { id } = await store(world, "old");
  await writeFile(join(mediaRoot, "artifact/legacy"), "ol");
  await sql`update artifact set file = 'artifact/legacy' where id = ${id}`.execute(ctx.db);
  await rm(join(mediaRoot, objectOf(world, "old")));
  assert.equal((await store(world, "old")).id, id);
  const row = await ctx.db.selectFrom("artifact").select("file").executeTakeFirstOrThrow();
  assert.equal(row.file, null);
  assert.equal(await readFile(join(mediaRoot, objectOf(world, "old")), "utf8"), "old");
  await beatOfAnother(world);
  assert.equal(await has(join(mediaRoot, "artifact/legacy")), false);
  await assertSound(world);
});

test("the object of a row stays when its intent runs out", async (t) => {
  const world = await createContext(t);
  await store(world, "kept");
  const object = objectOf(world, "kept");
  await sql`insert into storage_intent (domain, object, reason, not_before)
    values (${world.domain.num}, ${object}, 'store:x', now() - interval '1 minute')`.execute(
    world.ctx.db,
  );
  assert.equal(await sweepStorageIntents(world.ctx, 10), 1);
  assert.deepEqual(await intents(world.ctx), []);
  await assertSound(world);
});

test("a sweep takes no more than its limit, and leaves what is not due", async (t) => {
  const { ctx, domain } = await createContext(t);
  for (let n = 0; n < 5; n += 1) {
    await sql`insert into storage_intent (domain, object, reason, not_before)
      values (${domain.num}, ${`upload/${crypto.randomUUID()}`}, 'x', now() + ${n < 4 ? "-1 s" : "1 h"}::interval)`.execute(
      ctx.db,
    );
  }
  assert.equal(await sweepStorageIntents(ctx, 3), 3);
  assert.equal(await sweepStorageIntents(ctx, 3), 1);
  assert.equal(await sweepStorageIntents(ctx, 3), 0);
  assert.equal((await intents(ctx)).length, 1);
});

test("an object that cannot be removed waits, and the others go", async (t) => {
  const world = await createContext(t);
  const { ctx, domain, logged } = world;
  await sql`insert into storage_intent (domain, object, reason, not_before) values
    (${domain.num}, '../outside', 'x', now()), (${domain.num}, 'upload/other', 'x', now())`.execute(
    ctx.db,
  );
  await sweepStorageIntents(ctx, 10);
  assert.deepEqual(await intents(ctx), ["../outside"]);
  assert.ok(logged.some((line) => line.startsWith("ERROR Removing ../outside")));
  assert.equal(await sweepStorageIntents(ctx, 10), 0);
});

test("folders of dead processes go, those of the living and of newcomers stay", async (t) => {
  const world = await createContext(t);
  const { ctx, domain } = world;
  await using file = await receive(world, "being written");
  const store_ = ctx.storage(domain);
  const asAnother = { ...ctx.process, id: crypto.randomUUID() };
  await sweepIncoming({ ...ctx, process: asAnother });
  assert.deepEqual(await store_.incoming.list(), [ctx.process.id], "written a moment ago");
  const later = { now: () => Date.now() + 120_000 };
  await sweepIncoming({ ...ctx, clock: later });
  assert.deepEqual(await store_.incoming.list(), [ctx.process.id], "its own");
  await sql`insert into app_process (id, kind, name, versions, ttl_seconds)
    values (${ctx.process.id}, 'api', 'x', '{}', 30)`.execute(ctx.db);
  await sweepIncoming({ ...ctx, clock: later, process: asAnother });
  assert.deepEqual(await store_.incoming.list(), [ctx.process.id], "has a record");
  await sql`delete from app_process`.execute(ctx.db);
  await sweepIncoming({ ...ctx, clock: later, process: asAnother });
  assert.deepEqual(await store_.incoming.list(), []);
  assert.equal(file.sealed.sizeBytes, 13);
});

test("an artifact is not removed while a sweep forgets the intent that its object still has", async (t) => {
  const world = await createContext(t);
  const { ctx, domain } = world;
  await using file = await receive(world, "needed");
  const { id } = await saveArtifact(ctx, domain, file);
  await announceObjects(ctx.db, domain, [objectOf(world, "needed"), objectOf(world, "never came")]);
  await expireIntents(ctx);
  const { promise: mayRemove, resolve: goOn } = Promise.withResolvers<void>();
  const { promise: hasBegun, resolve: begin } = Promise.withResolvers<void>();
  const slow: typeof ctx.storage = (of) =>
    new Proxy(ctx.storage(of), {
      get: (store, name) =>
        name === "remove"
          ? async (object: string) => {
              begin();
              await mayRemove;
              await store.remove(object);
            }
          : Reflect.get(store, name),
    });

  const sweeping = sweepStorageIntents({ ...ctx, storage: slow }, 10);
  await hasBegun;
  const deleting = deleteArtifact(ctx, domain, id);
  await sleep(100);
  goOn();
  await Promise.all([sweeping, deleting]);

  await file[Symbol.asyncDispose]();
  await assertSound(world);
  await beatOfAnother(world);
  assert.equal(await ctx.storage(domain).stat(objectOf(world, "needed")), undefined);
});

test("storers, removers and hasty sweepers never lose or leak an object", async (t) => {
  const worlds = await contexts(t, 3);
  const [world] = worlds;
  const { ctx, domain } = world;
  const texts = ["one", "two", "three", "four"];
  let storing = 6;
  const storer = async (mine: TestContextValue) => {
    for (let n = 0; n < 25; n += 1) {
      await using file = await receive(mine, texts[n % texts.length] ?? "");
      await saveArtifact(mine.ctx, domain, file).catch((error) => {
        if (!artifactErrors.contended.is(error)) throw error;
      });
    }
    storing -= 1;
  };
  const remover = async (mine: TestContextValue) => {
    while (storing > 0) {
      const rows = await mine.ctx.db.selectFrom("artifact").select("id").execute();
      for (const { id } of rows)
        await deleteArtifact(mine.ctx, domain, id).catch((error) => {
          if (!artifactErrors.notFound.is(error)) throw error;
        });
      await sleep(3);
    }
  };
  const sweeper = async (mine: TestContextValue) => {
    while (storing > 0) {
      // The test takes every row at once, in no order: only it can be in a circle of waits.
      await retryOnConflict(() => expireIntents(mine.ctx));
      await sweepStorageIntents(mine.ctx, 2);
    }
  };
  await Promise.all(
    worlds.flatMap((mine) => [storer(mine), storer(mine), remover(mine), sweeper(mine)]),
  );
  await beatOfAnother(world);
  assert.deepEqual(await intents(ctx), []);
  await assertSound(world);
});

async function contexts(t: TestContext, count: number) {
  const first = await createContext(t);
  const others: TestContextValue[] = [];
  for (let n = 1; n < count; n += 1) others.push(await createContext(t, { beside: first }));
  return [first, ...others] as const;
}

test("what the sender says is checked with the texts of the wire", async (t) => {
  const world = await createContext(t);
  const { ctx, domain } = world;
  await using file = await receive(world, "right");
  const { sha256 } = file.sealed.digests;
  const wrong = sha256Of("wrong");
  const cases = [
    [{ sizeBytes: 4 }, "The size did not match actual size of file."],
    [{ digests: { sha256: wrong } }, "The sha256 checksum did not match."],
    [{ digests: { sha384: `${wrong}${wrong.slice(32)}` } }, "The sha384 checksum did not match."],
    [
      { digests: { md5: wrong.slice(32), sha256 } },
      "Checksum algorithms ['md5'] forbidden for this Pulp instance.",
    ],
  ] as const;
  for (const [fields, text] of cases)
    await assert.rejects(createArtifact(ctx, domain, file, fields), refusal(text));
  const made = await createArtifact(ctx, domain, file, { sizeBytes: 5, digests: { sha256 } });
  assert.equal(made.isNew, true);
  await using again = await receive(world, "right");
  await assert.rejects(
    createArtifact(ctx, domain, again),
    refusal(`Artifact with sha256 checksum of '${sha256}' already exists.`),
  );
});

test("a body that is too large, wrong or cut off leaves nothing", async (t) => {
  const world = await createContext(t);
  const { ctx, domain } = world;
  async function* body() {
    yield randomBytes(80_000);
    yield randomBytes(80_000);
  }
  async function* broken() {
    yield randomBytes(80_000);
    throw new Error("the client left");
  }
  async function* endless() {
    for (;;) {
      yield randomBytes(1000);
      await sleep(1);
    }
  }
  const large = receiveFile(ctx, domain, body(), { limitBytes: 100_000 });
  await assert.rejects(large, (error) => artifactErrors.tooLarge.is(error) && error.status === 413);
  await assert.rejects(receiveFile(ctx, domain, body(), { sizeBytes: 1 }), refusal("The size did"));
  await assert.rejects(receiveFile(ctx, domain, broken()), /the client left/);
  const signal = AbortSignal.timeout(50);
  await assert.rejects(receiveFile(ctx, domain, endless(), { signal }), { name: "AbortError" });
  assert.equal(await ctx.storage(domain).incoming.lastWrite("none"), 0);
  const { readdir } = await import("node:fs/promises");
  assert.deepEqual(await readdir(join(world.mediaRoot, "tmp/incoming", ctx.process.id)), []);
});

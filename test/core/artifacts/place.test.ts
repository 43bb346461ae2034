import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type TestContext, test } from "node:test";
import { sql } from "kysely";
import { placeFile, placement, recordPlaced, saveArtifact } from "#core/artifacts/commands.ts";
import type { PlacedFile } from "#core/artifacts/place.ts";
import type { StorableFile } from "#core/artifacts/types.ts";
import { inTransaction } from "#core/transaction.ts";
import { createContext, type TestContextValue } from "../../support/context.ts";
import { assertSound, beatOfAnother, intents, objectOf, receive, sha256Of } from "./support.ts";

async function place(world: TestContextValue, file: StorableFile): Promise<PlacedFile> {
  const placing = await placeFile(world.ctx, world.domain, file);
  if (!("placed" in placing)) throw new Error("The bytes are there already.");
  return placing.placed;
}

const record = ({ ctx, domain }: TestContextValue, placed: readonly PlacedFile[]) =>
  inTransaction(ctx, undefined, (trx) => recordPlaced(trx, domain, placed));

/** A file that is hashed and not yet on the disk. */
async function unsealed(t: TestContext, { ctx, domain }: TestContextValue, bytes: Buffer) {
  const file = await ctx.storage(domain).beginFile();
  t.after(() => file[Symbol.asyncDispose]());
  await new Promise<void>((resolve, reject) =>
    file.sink.write(bytes, (error) => (error ? reject(error) : resolve())),
  );
  const sealed = await file.hashed?.();
  if (!sealed) throw new Error("The store on a disk tells digests early.");
  return { file, sealed };
}

test("many placed files become artifacts in the caller's transaction", async (t) => {
  const world = await createContext(t);
  const files = await Promise.all(
    [1000, 200_000].map((size) => unsealed(t, world, randomBytes(size))),
  );

  const placed = await Promise.all(files.map((file) => place(world, file)));
  assert.equal((await intents(world.ctx)).length, 2);
  const made = await record(world, placed);
  for (const { file } of files) await file[Symbol.asyncDispose]();

  assert.deepEqual(new Set(made.keys()), new Set(placed.map(({ sha256 }) => sha256)));
  assert.deepEqual(await intents(world.ctx), []);
  await assertSound(world);
});

test("bytes may be announced before they have come, and only those", async (t) => {
  const statements: string[] = [];
  const world = await createContext(t, { onStatement: (text) => statements.push(text) });
  const { ctx, domain } = world;
  await using file = await receive(world, "on their way");

  statements.length = 0;
  const early = placement.announce(ctx, domain, sha256Of("on their way"));
  await early.rows;
  const announced = await intents(ctx);
  const asked = statements.length;
  const placing = await placement.place(ctx, domain, file, early);
  assert.equal(statements.length, asked, "nothing is asked again");
  assert.ok("placed" in placing);
  await record(world, [placing.placed]);

  assert.deepEqual(announced, [objectOf(world, "on their way")]);
  assert.deepEqual(await intents(ctx), []);

  await using other = await receive(world, "something else");
  const wrong = placement.announce(ctx, domain, sha256Of("what was promised"));
  const second = await placement.place(ctx, domain, other, wrong);
  assert.ok("placed" in second);
  assert.equal(second.placed.object, objectOf(world, "something else"));
  await record(world, [second.placed]);
  assert.deepEqual(await intents(ctx), [objectOf(world, "what was promised")]);
  for (const each of [file, other]) await each[Symbol.asyncDispose]();
  await assertSound(world);
});

test("bytes that took long are announced again", async (t) => {
  const statements: string[] = [];
  const world = await createContext(t, { onStatement: (text) => statements.push(text) });
  const { ctx, domain } = world;
  await using file = await receive(world, "slow");
  const early = placement.announce(ctx, domain, sha256Of("slow"));
  await early.rows;
  statements.length = 0;

  const placing = await placement.place(ctx, domain, file, {
    ...early,
    atMs: performance.now() - 61_000,
  });

  assert.equal(statements.length, 1);
  assert.ok("placed" in placing);
  assert.equal((await record(world, [placing.placed])).size, 1);
});

test("a transaction that is undone leaves the announcement, and the sweep its object to remove", async (t) => {
  const world = await createContext(t);
  const { ctx, domain } = world;
  const file = await receive(world, "undone");
  const placed = await place(world, file);
  await file[Symbol.asyncDispose]();

  const undone = inTransaction(ctx, undefined, async (trx) => {
    await recordPlaced(trx, domain, [placed]);
    throw new Error("undone");
  });
  await assert.rejects(undone, /undone/);

  assert.deepEqual(await intents(ctx), [placed.object]);
  await assertSound(world);
  await beatOfAnother(world);
  assert.equal(await ctx.storage(domain).stat(objectOf(world, "undone")), undefined);
});

test("of two who bring the same bytes one makes the row, and the other one finds it", async (t) => {
  const world = await createContext(t);
  const [one, other] = [await receive(world, "same"), await receive(world, "same")];
  const placed = [await place(world, one), await place(world, other)];

  const [first, second] = [
    await record(world, placed.slice(0, 1)),
    await record(world, placed.slice(1)),
  ];

  assert.deepEqual([first.size, second.size], [1, 0]);
  const found = await saveArtifact(world.ctx, world.domain, other);
  await Promise.all([one, other].map((file) => file[Symbol.asyncDispose]()));
  assert.deepEqual([...first.values()], [found.id]);
  await assertSound(world);
});

test("a file of a store that the domain has left is not recorded", async (t) => {
  const world = await createContext(t);
  await using file = await receive(world, "moved");
  const { num, id, name } = world.domain;
  const placed = { ...(await place(world, file)), epoch: 0 };
  await sql`update domain set storage_epoch = 7 where num = ${num}`.execute(world.ctx.db);

  const made = await inTransaction(world.ctx, undefined, (trx) =>
    recordPlaced(trx, { num, id, name }, [placed]),
  );

  assert.equal(made.size, 0);
});

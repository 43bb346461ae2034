import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { GatheredWrites } from "#platform/storage/gathered-writes.ts";

const PIECE = 65_536;

async function openFile(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "deckle-gathered-"));
  const path = join(folder, "file");
  const handle = await open(path, "wx+");
  t.after(async () => {
    await handle.close();
    await rm(folder, { recursive: true, force: true });
  });
  const writev = t.mock.method(handle, "writev");
  return { path, handle, writes: () => writev.mock.callCount() };
}

test("pieces are written together, in their order, behind what is there", async (t) => {
  const { path, handle, writes } = await openFile(t);
  const told: number[] = [];
  await handle.write("before ");
  const gathered = new GatheredWrites({
    ...{ handle, position: 7, ownsBytes: false, onWritten: (sizeBytes) => told.push(sizeBytes) },
  });
  const bytes = randomBytes(40 * PIECE);
  for (let at = 0; at < bytes.length; at += PIECE)
    await gathered.add(bytes.subarray(at, at + PIECE));
  await gathered.flush();

  const stored = await readFile(path);
  assert.equal(stored.subarray(0, 7).toString(), "before ");
  assert.ok(stored.subarray(7).equals(bytes));
  assert.equal(writes(), 3, "a megabyte each, and the rest");
  assert.deepEqual(
    told.map((size) => size - 7),
    [16 * PIECE, 32 * PIECE, 40 * PIECE],
  );
});

test("what was added is read back wherever it is by now", async (t) => {
  const { handle } = await openFile(t);
  const gathered = new GatheredWrites({ handle, position: 0, ownsBytes: false });
  const bytes = randomBytes(20 * PIECE);
  for (let at = 0; at < bytes.length; at += PIECE) {
    const full = gathered.add(bytes.subarray(at, at + PIECE));
    const held = await gathered.read(at, PIECE);
    assert.ok(held.equals(bytes.subarray(at, at + PIECE)), `at ${at}`);
    await full;
  }
  for (let at = 0; at < bytes.length; ) {
    const some = await gathered.read(at, 3 * PIECE);
    assert.ok(some.length > 0 && some.equals(bytes.subarray(at, at + some.length)), `at ${at}`);
    at += some.length;
  }
  await gathered.stop();
});

test("a write that fails is told with the next call and the last, and nothing goes on behind", async (t) => {
  const { path, handle } = await openFile(t);
  t.mock.method(handle, "writev", () => Promise.reject(new Error("the disk is full")));
  const gathered = new GatheredWrites({ handle, position: 0, ownsBytes: false });
  const fill = async () => {
    for (let n = 0; n < 40; n += 1) await gathered.add(Buffer.alloc(PIECE));
  };

  await assert.rejects(fill(), /the disk is full/);
  await assert.rejects(gathered.flush(), /the disk is full/);
  await gathered.stop();
  assert.equal((await readFile(path)).length, 0);
});

test("many files that gather at once write sooner", async (t) => {
  const { handle, writes } = await openFile(t);
  const many = Array.from(
    { length: 600 },
    () => new GatheredWrites({ handle, position: 0, ownsBytes: false }),
  );
  for (const each of many.slice(1)) each.add(Buffer.alloc(1));
  const [first] = many;
  for (let n = 0; n < 3; n += 1) await first?.add(Buffer.alloc(PIECE));

  assert.ok(writes() > 0);
  for (const each of many) await each.stop();
});

import assert from "node:assert/strict";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { describe, type TestContext, test } from "node:test";
import { ALGORITHMS, type Algorithm, type Digests } from "#base/digests.ts";
import { CodedError } from "#base/errors.ts";
import type { IncomingFile, SealedFile, Storage } from "#platform/storage/storage.ts";

/** Gives an empty store that computes these digests; it cleans up at the end of the test. */
export type StorageFactory = (t: TestContext, algorithms: readonly Algorithm[]) => Promise<Storage>;

const SIZES = [0, 1, 65_535, 65_536, 65_537, 1_048_576, 5_000_001];

const isCode = (code: string) => (error: unknown) =>
  error instanceof CodedError && error.code === code;

export const digestsOf = (bytes: Uint8Array): Digests =>
  Object.fromEntries(
    ALGORITHMS.map((name) => [name, createHash(name).update(bytes).digest("hex")]),
  );

/** Pieces of uneven length, as a network brings them. */
export function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0, step = 1; at < bytes.length; at += step, step = (step * 7 + 13) % 90_000) {
    yield bytes.subarray(at, at + step);
  }
}

export async function write(
  store: Storage,
  bytes: Buffer,
): Promise<{ file: IncomingFile; sealed: SealedFile }> {
  const file = await store.beginFile();
  try {
    await pipeline(Readable.from(pieces(bytes)), file.sink);
    return { file, sealed: await file.seal() };
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

export async function put(store: Storage, object: string, bytes: Buffer): Promise<void> {
  const { file } = await write(store, bytes);
  await using _file = file;
  await store.place(file, object);
}

export async function get(store: Storage, object: string): Promise<Buffer> {
  await using stored = await store.open(object);
  return await buffer(stored.stream());
}

/** What backends do differently. */
export interface StorageTraits {
  /** Files are names of bytes: an open object outlives its name, an incoming file does not. */
  readonly hasNames: boolean;
  /** An open object outlives its name though it is none: bytes are shared. */
  readonly keepsRemoved?: boolean;
}

/** What every backend of the object store does. */
export function storageContract(
  name: string,
  factory: StorageFactory,
  traits: StorageTraits = { hasNames: true },
): void {
  describe(`storage contract: ${name}`, () => {
    writing(factory);
    placing(factory);
    reading(factory, traits);
    removing(factory, traits);
    sessions(factory);
    placedSessions(factory);
  });
}

function writing(factory: StorageFactory): void {
  test("every digest of every size is right", async (t) => {
    const store = await factory(t, ALGORITHMS);
    for (const size of SIZES) {
      const bytes = randomBytes(size);
      const { file, sealed } = await write(store, bytes);
      await using _file = file;
      assert.equal(sealed.sizeBytes, size);
      assert.deepEqual({ ...sealed.digests }, digestsOf(bytes));
    }
  });

  test("only the algorithms that were asked for are computed", async (t) => {
    const store = await factory(t, ["sha256"]);
    for (const size of [10, 100_000]) {
      const { file, sealed } = await write(store, randomBytes(size));
      await using _file = file;
      assert.deepEqual(Object.keys(sealed.digests), ["sha256"]);
    }
  });

  test("many files are written at the same time", async (t) => {
    const store = await factory(t, ["sha256", "sha512"]);
    const bodies = Array.from({ length: 12 }, (_, index) => randomBytes(index * 60_000));
    const written = await Promise.all(bodies.map((bytes) => write(store, bytes)));
    for (const [index, { file, sealed }] of written.entries()) {
      await using _file = file;
      const { sha256, sha512 } = digestsOf(bodies[index] ?? Buffer.alloc(0));
      assert.deepEqual({ ...sealed.digests }, { sha256, sha512 });
    }
  });

  test("a follower reads what was written, while it is written and afterwards", async (t) => {
    const store = await factory(t, ["sha256"]);
    const bytes = randomBytes(300_000);
    const source = new PassThrough();
    await using file = await store.beginFile();
    const done = pipeline(source, file.sink);
    for (const [from, to] of [
      [0, 1_000],
      [1_000, 200_000],
    ] as const) {
      source.write(bytes.subarray(from, to));
      while (file.sizeBytes < to) await new Promise((resolve) => setTimeout(resolve, 2));
      assert.deepEqual(await file.read(0, to), bytes.subarray(0, to));
    }
    source.end(bytes.subarray(200_000));
    await done;
    await file.seal();
    assert.deepEqual(await file.read(299_000, 5_000), bytes.subarray(299_000));
    await store.place(file, "artifact/aa/follow");
    assert.deepEqual(await file.read(10, 20), bytes.subarray(10, 30));
  });

  test("a body that breaks off is never sealed", async (t) => {
    const store = await factory(t, ["sha256", "sha512"]);
    for (const size of [10, 500_000]) {
      const file = await store.beginFile();
      const body = async function* () {
        yield randomBytes(size);
        throw new Error("the client left");
      };
      await assert.rejects(pipeline(body, file.sink), /the client left/);
      await assert.rejects(file.seal());
      await file[Symbol.asyncDispose]();
      await file[Symbol.asyncDispose]();
    }
  });
}

function placing(factory: StorageFactory): void {
  test("an object is there when it is placed, not before", async (t) => {
    const store = await factory(t, ["sha256"]);
    const bytes = randomBytes(100_000);
    const { file } = await write(store, bytes);
    assert.equal(await store.stat("artifact/ab/cd"), undefined);
    await store.place(file, "artifact/ab/cd");
    await file[Symbol.asyncDispose]();
    assert.deepEqual(await store.stat("artifact/ab/cd"), { sizeBytes: 100_000 });
    assert.deepEqual(await get(store, "artifact/ab/cd"), bytes);
  });

  test("placing over an object succeeds, and again after it was removed", async (t) => {
    const store = await factory(t, ["sha256"]);
    const bytes = randomBytes(70_000);
    await put(store, "artifact/ab/cd", Buffer.from("damaged"));
    const { file } = await write(store, bytes);
    await using _file = file;
    await store.place(file, "artifact/ab/cd");
    await store.place(file, "artifact/ab/cd");
    assert.deepEqual(await get(store, "artifact/ab/cd"), bytes);
    await store.remove("artifact/ab/cd");
    await store.place(file, "artifact/ab/cd");
    assert.deepEqual(await get(store, "artifact/ab/cd"), bytes);
  });

  test("placing the same object from many sides succeeds", async (t) => {
    const store = await factory(t, ["sha256"]);
    const bytes = randomBytes(1000);
    await Promise.all(Array.from({ length: 8 }, () => put(store, "artifact/00/same", bytes)));
    assert.deepEqual(await get(store, "artifact/00/same"), bytes);
  });

  test("names that leave the store are refused", async (t) => {
    const store = await factory(t, ["sha256"]);
    const { file } = await write(store, Buffer.from("x"));
    await using _file = file;
    for (const object of ["../x", "a/../../x", "/etc/x", "a//b", "", "a/./b"]) {
      await assert.rejects(store.place(file, object), isCode("storage-name"));
      await assert.rejects(store.open(object), isCode("storage-name"));
      await assert.rejects(store.remove(object), isCode("storage-name"));
    }
  });
}

function reading(factory: StorageFactory, { hasNames, keepsRemoved = hasNames }: StorageTraits) {
  test("ranges are inclusive, and reading past the end fails", async (t) => {
    const store = await factory(t, ["sha256"]);
    const bytes = randomBytes(600_000);
    await put(store, "a/b", bytes);
    await using stored = await store.open("a/b");
    assert.equal(stored.sizeBytes, 600_000);
    assert.deepEqual(await stored.read(5, 10), bytes.subarray(5, 15));
    for (const [start, end] of [
      [0, 0],
      [10, 299_999],
      [599_999, 599_999],
    ] as const) {
      assert.deepEqual(await buffer(stored.stream({ start, end })), bytes.subarray(start, end + 1));
    }
    await assert.rejects(stored.read(599_995, 10), isCode("storage-truncated"));
    await assert.rejects(
      buffer(stored.stream({ start: 599_000, end: 600_010 })),
      isCode("storage-truncated"),
    );
  });

  test("pieces that are read one after the other, by several at once, are those of the object", async (t) => {
    const store = await factory(t, ["sha256"]);
    const bytes = randomBytes(900_001);
    await put(store, "a/b", bytes);
    await using stored = await store.open("a/b");
    const readAll = async (step: number) => {
      const all: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += step)
        all.push(Buffer.from(await stored.read(at, Math.min(step, bytes.length - at))));
      return Buffer.concat(all);
    };
    for (const read of await Promise.all([65_536, 65_536, 262_144, 900_001].map(readAll)))
      assert.deepEqual(read, bytes);
  });

  test("an object that was removed is read to its end, or fails: never a part", async (t) => {
    const store = await factory(t, ["sha256"]);
    const bytes = randomBytes(300_000);
    await put(store, "a/b", bytes);
    await using stored = await store.open("a/b");
    await store.remove("a/b");
    if (keepsRemoved) assert.deepEqual(await buffer(stored.stream()), bytes);
    else await assert.rejects(buffer(stored.stream()), isCode("storage-missing"));
  });

  test("an empty object has no bytes", async (t) => {
    const store = await factory(t, ["sha256"]);
    await put(store, "a/empty", Buffer.alloc(0));
    assert.deepEqual(await get(store, "a/empty"), Buffer.alloc(0));
  });

  test("what is missing is said to be missing", async (t) => {
    const store = await factory(t, ["sha256"]);
    await put(store, "a/b", Buffer.from("x"));
    for (const object of ["a/c", "x/y/z", "a", "a/b/c"]) {
      assert.equal(await store.stat(object), undefined);
      await assert.rejects(store.open(object), isCode("storage-missing"));
    }
  });

  test("usage is null or adds up", async (t) => {
    const store = await factory(t, ["sha256"]);
    const usage = await store.usage();
    if (usage === null) return;
    assert.ok(usage.total > 0 && usage.used + usage.free <= usage.total);
  });
}

function removing(factory: StorageFactory, { hasNames }: StorageTraits): void {
  test("removing twice is success", async (t) => {
    const store = await factory(t, ["sha256"]);
    await put(store, "a/b", Buffer.from("x"));
    await store.remove("a/b");
    await store.remove("a/b");
    await store.remove("never/was");
    assert.equal(await store.stat("a/b"), undefined);
  });

  test("folders of other processes can be listed and removed", async (t) => {
    const store = await factory(t, ["sha256"]);
    const { file } = await write(store, randomBytes(10));
    const [mine = ""] = await store.incoming.list();
    assert.ok(Math.abs(Date.now() - (await store.incoming.lastWrite(mine))) < 60_000);
    assert.equal(await store.incoming.lastWrite(randomUUID()), 0);
    await store.incoming.remove(randomUUID());
    await store.incoming.remove(mine);
    assert.deepEqual(await store.incoming.list(), []);
    if (hasNames) await assert.rejects(store.place(file, "a/b"), isCode("storage-unavailable"));
    await file[Symbol.asyncDispose]();
    await put(store, "a/b", Buffer.from("again"));
  });
}

/** Files of uploads that go on over several requests. */
function sessions(factory: StorageFactory): void {
  const appended = async (store: Storage, id: string, ...parts: readonly Buffer[]) => {
    await using file = await store.sessions.open(id, 0);
    for (const part of parts) await file.append(part);
    await file.flush();
  };

  test("a session goes on where it was, in another process, with the digest of all", async (t) => {
    const store = await factory(t, ALGORITHMS);
    const [id, bytes] = [randomUUID(), randomBytes(700_000)];
    await appended(store, id, bytes.subarray(0, 300_000));

    await using file = await store.sessions.open(id, 300_000);
    await file.append(bytes.subarray(300_000));
    const sealed = await file.seal();

    assert.equal(sealed.sizeBytes, bytes.length);
    assert.equal(sealed.digests.sha256, digestsOf(bytes).sha256);
    assert.equal(await file.sha512(), digestsOf(bytes).sha512);
    await store.place(file, "artifact/ab/session");
    assert.deepEqual(await get(store, "artifact/ab/session"), bytes);
    await store.sessions.remove(id);
    assert.deepEqual(await get(store, "artifact/ab/session"), bytes);
  });

  test("what was not acknowledged is cut off, by whoever goes on", async (t) => {
    const store = await factory(t, ALGORITHMS);
    const [id, kept, lost] = [randomUUID(), Buffer.from("kept"), Buffer.from(" and lost")];
    await appended(store, id, kept, lost);

    await using file = await store.sessions.open(id, kept.length);
    assert.equal(file.sha256, digestsOf(kept).sha256);
    await file.append(lost);
    await file.cutBack();

    assert.equal(file.sizeBytes, kept.length);
    assert.equal(file.sha256, digestsOf(kept).sha256);
    await file.append(Buffer.from("!"));
    assert.equal(file.sha256, digestsOf(Buffer.from("kept!")).sha256);
  });

  test("a session without its bytes is missing, and a removed one begins anew", async (t) => {
    const store = await factory(t, ALGORITHMS);
    const id = randomUUID();
    await appended(store, id, Buffer.from("four"));

    await assert.rejects(store.sessions.open(id, 5), isCode("storage-missing"));
    await assert.rejects(store.sessions.open(randomUUID(), 1), isCode("storage-missing"));
    await assert.rejects(store.sessions.open("../escape", 0), CodedError);
    assert.deepEqual(
      (await store.sessions.list()).map((each) => each.id),
      [id],
    );
    await store.sessions.remove(id);
    await store.sessions.remove(id);
    assert.deepEqual(await store.sessions.list(), []);
    await appended(store, id, Buffer.from("new"));
  });
}

/** Stored objects and sessions may be two names of one file. */
function placedSessions(factory: StorageFactory): void {
  test("what a session was placed as stays, however the session goes on", async (t) => {
    const store = await factory(t, ALGORITHMS);
    const [id, bytes, other] = [randomUUID(), randomBytes(300_000), Buffer.from("other bytes")];
    const half = bytes.subarray(0, 100_000);
    {
      await using file = await store.sessions.open(id, 0);
      await file.append(half);
      await file.flush();
      await file.append(bytes.subarray(half.length));
      await store.place(file, "artifact/ab/whole");
      assert.ok(file.isSealed);
      assert.throws(() => file.append(other));
      await assert.rejects(file.cutBack());
    }
    // Where files have one name only, a session that gave it away is over.
    await using file = await store.sessions.open(id, half.length).catch((error) => {
      assert.ok(isCode("storage-missing")(error));
      return undefined;
    });
    if (file) {
      assert.equal(file.sha256, digestsOf(half).sha256);
      await file.append(other);
      await file.flush();
      await store.place(file, "artifact/ab/other");
      assert.deepEqual(await get(store, "artifact/ab/other"), Buffer.concat([half, other]));
    }
    assert.deepEqual(await get(store, "artifact/ab/whole"), bytes);
  });
}

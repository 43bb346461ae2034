import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ALGORITHMS, type Algorithm } from "#base/digests.ts";
import { uuid7 } from "#base/uuid7.ts";
import { storageErrors } from "#platform/storage/errors.ts";
import { type FileOperations, nodeFiles } from "#platform/storage/file-operations.ts";
import { createFileSystemStorage, type FileSystemOptions } from "#platform/storage/file-system.ts";
import { get, put, storageContract, write } from "../../contract/storage.ts";

async function folder(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "deckle-storage-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  return root;
}

const optionsOf = (
  root: string,
  algorithms: readonly Algorithm[] = ["sha256", "sha512"],
): FileSystemOptions => ({
  root,
  algorithms,
  fileMode: 0o644,
  directoryMode: null,
  processId: uuid7(),
});

storageContract("file system", async (t, algorithms) =>
  createFileSystemStorage(optionsOf(await folder(t), algorithms)),
);

storageContract("file system without hard links", async (t, algorithms) => {
  const files = withFault("link", "EPERM");
  return createFileSystemStorage({ ...optionsOf(await folder(t), algorithms), files });
});

storageContract("file system, of files that are placed once", async (t, algorithms) => {
  const store = createFileSystemStorage(optionsOf(await folder(t), algorithms));
  const begin = store.beginFile.bind(store);
  return Object.assign(store, {
    beginFile: (options = {}) => begin({ ...options, isPlacedOnce: true }),
  } satisfies Pick<typeof store, "beginFile">);
});

/** Fails one operation of the file system. */
function withFault(operation: keyof FileOperations, code: string): FileOperations {
  const fail = () => Promise.reject(systemError(code, operation));
  return { ...nodeFiles, [operation]: fail };
}

const systemError = (code: string, syscall: string): Error =>
  Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });

interface Counts {
  datasync: number;
  sync: number;
  rename: number;
  link: number;
}

/** Counts what makes bytes durable; `fault` makes one of them fail. */
function counted(fault?: { readonly call: "datasync" | "sync"; readonly code: string }) {
  const counts: Counts = { datasync: 0, sync: 0, rename: 0, link: 0 };
  const files: FileOperations = {
    ...nodeFiles,
    open: async (...parameters) => {
      const handle = await nodeFiles.open(...parameters);
      for (const call of ["datasync", "sync"] as const) {
        const real = handle[call].bind(handle);
        handle[call] = () => {
          counts[call] += 1;
          return fault?.call === call ? Promise.reject(systemError(fault.code, call)) : real();
        };
      }
      return handle;
    },
    link: (...parameters) => {
      counts.link += 1;
      return nodeFiles.link(...parameters);
    },
    rename: (...parameters) => {
      counts.rename += 1;
      return nodeFiles.rename(...parameters);
    },
  };
  return { counts, files };
}

test("storing a file costs two syncs and one new name", async (t) => {
  const { counts, files } = counted();
  const store = createFileSystemStorage({ ...optionsOf(await folder(t), ALGORITHMS), files });
  await put(store, "artifact/ab/first", randomBytes(10));

  for (const size of [1_000, 2_000_000]) {
    Object.assign(counts, { datasync: 0, sync: 0, rename: 0, link: 0 });
    await put(store, `artifact/ab/${size}`, randomBytes(size));
    assert.deepEqual(counts, { datasync: 1, sync: 1, rename: 0, link: 1 });
  }
});

test("a file that is placed once gives its name away, and is closed with the rest", async (t) => {
  const { counts, files } = counted();
  const root = await folder(t);
  const options = optionsOf(root);
  const store = createFileSystemStorage({ ...options, files });
  await put(store, "artifact/ab/first", randomBytes(10));

  for (const size of [1_000, 2_000_000]) {
    Object.assign(counts, { datasync: 0, sync: 0, rename: 0, link: 0 });
    const bytes = randomBytes(size);
    const file = await store.beginFile({ isPlacedOnce: true });
    file.sink.end(bytes);
    await store.place(file, "artifact/ab/once");
    assert.deepEqual(counts, { datasync: 1, sync: 1, rename: 1, link: 0 });
    assert.deepEqual(await file.read(0, size), bytes);
    await store.place(file, "artifact/ab/again");
    await file[Symbol.asyncDispose]();
    assert.deepEqual(await get(store, "artifact/ab/once"), bytes);
    assert.deepEqual(await get(store, "artifact/ab/again"), bytes);
  }
  assert.deepEqual(await readdir(join(root, "tmp/incoming", options.processId)), []);
});

test("files of one folder share the syncs of the folder", async (t) => {
  const { counts, files } = counted();
  const store = createFileSystemStorage({ ...optionsOf(await folder(t)), files });
  await put(store, "artifact/ab/first", randomBytes(10));
  const written = await Promise.all(
    Array.from({ length: 40 }, () => write(store, randomBytes(100))),
  );

  Object.assign(counts, { datasync: 0, sync: 0 });
  await Promise.all(written.map(({ file }, i) => store.place(file, `artifact/ab/${i}`)));

  assert.equal(counts.datasync, 0);
  assert.ok(counts.sync < 20, `${counts.sync} syncs`);
  for (const { file } of written) await file[Symbol.asyncDispose]();
});

test("a new folder is made durable up to the root", async (t) => {
  const root = await folder(t);
  const synced: string[] = [];
  const files: FileOperations = {
    ...nodeFiles,
    open: async (...parameters) => {
      const handle = await nodeFiles.open(...parameters);
      const real = handle.sync.bind(handle);
      handle.sync = () => {
        synced.push(String(parameters[0]).slice(root.length));
        return real();
      };
      return handle;
    },
  };
  await put(
    createFileSystemStorage({ ...optionsOf(root), files }),
    "artifact/cd/x",
    randomBytes(1),
  );
  assert.deepEqual(synced, ["/artifact", "", "/artifact/cd"]);
});

test("modes are exact whatever the umask", async (t) => {
  const root = await folder(t);
  const options = { ...optionsOf(root), fileMode: 0o666, directoryMode: 0o2775 };
  const before = process.umask(0o077);
  t.after(() => process.umask(before));
  const store = createFileSystemStorage(options);
  for (const [name, size] of [
    ["small", 10],
    ["large", 100_000],
  ] as const) {
    await put(store, `artifact/ab/${name}`, randomBytes(size));
    assert.equal((await stat(join(root, "artifact/ab", name))).mode & 0o7777, 0o666);
  }
  assert.equal((await stat(join(root, "artifact/ab"))).mode & 0o7777, 0o2775);
  assert.equal((await stat(join(root, "artifact"))).mode & 0o7777, 0o2775);
});

test("a failed sync discards the file and is not tried again", async (t) => {
  for (const size of [10, 200_000]) {
    const root = await folder(t);
    const { counts, files } = counted({ call: "datasync", code: "EIO" });
    const store = createFileSystemStorage({ ...optionsOf(root), files });
    const file = await store.beginFile();
    file.sink.end(randomBytes(size));
    await assert.rejects(
      file.seal(),
      (e) => storageErrors.unavailable.is(e) && /EIO/.test(e.message),
    );
    await assert.rejects(file.seal(), storageErrors.unavailable.is);
    await assert.rejects(store.place(file, "artifact/ab/x"), storageErrors.unavailable.is);
    await file[Symbol.asyncDispose]();
    assert.equal(counts.datasync, 1);
    assert.deepEqual(await leftovers(root), []);
  }
});

test("a failed sync of the folder fails the store", async (t) => {
  const { files } = counted({ call: "sync", code: "EIO" });
  const store = createFileSystemStorage({ ...optionsOf(await folder(t)), files });
  const { file } = await write(store, randomBytes(10));
  await using _file = file;
  await assert.rejects(store.place(file, "artifact/ab/x"), storageErrors.unavailable.is);
});

test("a store that turned read-only refuses writes and goes on reading", async (t) => {
  const root = await folder(t);
  await put(createFileSystemStorage(optionsOf(root)), "a/b", Buffer.from("old"));
  const files: FileOperations = {
    ...nodeFiles,
    open: (path, flags, mode) =>
      flags === "r"
        ? nodeFiles.open(path, flags, mode)
        : Promise.reject(systemError("EROFS", "open")),
  };
  const store = createFileSystemStorage({ ...optionsOf(root), files });
  const file = await store.beginFile();
  file.sink.end("new");
  await assert.rejects(file.seal(), (e) => storageErrors.unavailable.is(e) && e.status === 503);
  await file[Symbol.asyncDispose]();
  assert.equal((await get(store, "a/b")).toString(), "old");
});

test("a full disk is said to be full, leaves nothing, and recovers", async (t) => {
  const root = await mkdtemp(join(tmpdir(), "deckle-small-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", root]);
  t.after(async () => {
    // The store keeps folders open for a moment after they were written to.
    execFileSync("umount", ["--lazy", root]);
    await rm(root, { recursive: true });
  });
  const store = createFileSystemStorage(optionsOf(root));
  await put(store, "artifact/ab/old", randomBytes(500_000));

  for (const size of [600_000, 3_000_000]) {
    const isFull = (error: unknown) =>
      storageErrors.full.is(error) &&
      error.status === 507 &&
      error.message.startsWith("Not enough space");
    await assert.rejects(write(store, randomBytes(size)), isFull);
  }
  await writeFile(join(root, "filler"), randomBytes(200_000));
  await writeFile(join(root, "filler2"), randomBytes(400_000)).catch(() => undefined);
  await assert.rejects(write(store, randomBytes(60_000)), storageErrors.full.is);
  assert.equal((await get(store, "artifact/ab/old")).length, 500_000);
  await rm(join(root, "filler"));
  await rm(join(root, "filler2"), { force: true });
  await store.incoming.remove((await store.incoming.list())[0] ?? "");
  await put(store, "artifact/ab/new", randomBytes(300_000));
});

test("a file that is damaged on the disk is replaced by the next store", async (t) => {
  const root = await folder(t);
  const store = createFileSystemStorage(optionsOf(root));
  await mkdir(join(root, "artifact/ab"), { recursive: true });
  await writeFile(join(root, "artifact/ab/x"), "broken");
  await put(store, "artifact/ab/x", Buffer.from("right!"));
  assert.equal(await readFile(join(root, "artifact/ab/x"), "utf8"), "right!");
  assert.deepEqual(await readdir(join(root, "artifact/ab")), ["x"]);
  assert.deepEqual(await leftovers(root), []);
});

test("a disposed file leaves nothing, at whatever moment", async (t) => {
  const root = await folder(t);
  const store = createFileSystemStorage(optionsOf(root));
  for (const size of [0, 10, 1_000_000]) {
    const file = await store.beginFile();
    if (size > 0) file.sink.write(randomBytes(size));
    await file[Symbol.asyncDispose]();
    await assert.rejects(file.read(0, 1), storageErrors.unavailable.is);
    const { file: sealed } = await write(store, randomBytes(size));
    await sealed[Symbol.asyncDispose]();
  }
  assert.deepEqual(await leftovers(root), []);
});

async function leftovers(root: string): Promise<string[]> {
  const names = await readdir(join(root, "tmp/incoming"), { recursive: true }).catch(() => []);
  return names.filter((name) => name.includes("/"));
}

test("a file that another store began is copied where no link can be made", async (t) => {
  const [home, other] = [await folder(t), await folder(t)];
  const away: FileOperations = {
    ...nodeFiles,
    link: (from, to) =>
      String(from).startsWith(home)
        ? Promise.reject(systemError("EXDEV", "link"))
        : nodeFiles.link(from, to),
  };
  const source = createFileSystemStorage(optionsOf(home));
  const target = createFileSystemStorage({ ...optionsOf(other), files: away });
  const bytes = randomBytes(3_000_000);
  const { file } = await write(source, bytes);
  await using _file = file;
  const foreign = {
    sink: file.sink,
    sizeBytes: bytes.length,
    seal: () => file.seal(),
    read: (start: number, length: number) => file.read(start, length),
    [Symbol.asyncDispose]: async () => undefined,
  };

  await target.place(file, "artifact/of/device");
  await target.place(foreign, "artifact/of/class");

  assert.deepEqual(await get(target, "artifact/of/device"), bytes);
  assert.deepEqual(await get(target, "artifact/of/class"), bytes);
  const left = await readdir(join(other, "tmp/incoming"), { recursive: true });
  assert.equal(left.length, 1, "only the folder of the process");
});

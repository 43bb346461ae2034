import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import type { Algorithm } from "#base/digests.ts";
import type { JsonObject } from "#base/json.ts";
import { uuid7 } from "#base/uuid7.ts";
import { createFileSystemStorage } from "#platform/storage/file-system.ts";
import { createSftpStorage } from "#platform/storage/sftp/sftp.ts";
import type { Storage } from "#platform/storage/storage.ts";
import { get, put, storageContract } from "../contract/storage.ts";
import { type SshServer, startSsh } from "./support/ssh-server.ts";

let server: SshServer;

before(async () => {
  server = await startSsh();
});
after(() => server[Symbol.asyncDispose]());

async function createStore(
  t: TestContext,
  more: JsonObject = {},
  algorithms: readonly Algorithm[] = ["sha256"],
): Promise<{ readonly store: Storage; readonly folder: string }> {
  const root = await mkdtemp(join(tmpdir(), "deckle-sftp-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  const own = { root, algorithms, fileMode: null, directoryMode: null, processId: uuid7() };
  const options = { ...(await server.store()), ...more };
  const store = createSftpStorage({ options, local: createFileSystemStorage(own) });
  return { store, folder: options.root_path };
}

const traits = { hasNames: false, keepsRemoved: true };
storageContract(
  "SFTP",
  async (t, algorithms) => (await createStore(t, {}, algorithms)).store,
  traits,
);

test("files lie under their names with the wanted mode, and nothing beside them", async (t) => {
  const { store, folder } = await createStore(t, { file_mode: 0o640, dir_mode: 0o750 });
  const bytes = randomBytes(3_000_001);
  await put(store, "artifact/aa/x y", bytes);
  assert.deepEqual(await readFile(join(folder, "artifact/aa/x y")), bytes);
  assert.equal((await stat(join(folder, "artifact/aa/x y"))).mode & 0o777, 0o640);
  assert.equal((await stat(join(folder, "artifact/aa"))).mode & 0o777, 0o750);
  assert.deepEqual(await readdir(join(folder, "tmp/placing")), []);
  const wanted = { method: "GET", fileName: "x", contentType: "text/plain" } as const;
  assert.equal(await store.redirect("artifact/aa/x y", wanted), undefined);
});

test("what was left half placed is taken back when it is old", async (t) => {
  const { store, folder } = await createStore(t);
  assert.equal(await store.sweep?.(Date.now()), 0);
  await put(store, "a/b", Buffer.from("x"));
  for (const name of ["old", "new"]) await writeFile(join(folder, "tmp/placing", name), "half");
  const longAgo = new Date(Date.now() - 3_600_000);
  await utimes(join(folder, "tmp/placing/old"), longAgo, longAgo);

  assert.equal(await store.sweep?.(Date.now() - 1_800_000), 1);
  assert.deepEqual(await readdir(join(folder, "tmp/placing")), ["new"]);
});

test("a connection that broke is told to who used it, and made again", async (t) => {
  const { store } = await createStore(t);
  const bytes = randomBytes(2_000_000);
  await put(store, "a/b", bytes);
  await using opened = await store.open("a/b");
  await server.hangUp();
  await assert.rejects(opened.read(0, 100), { code: "storage-unavailable" });
  assert.deepEqual(await get(store, "a/b"), bytes);
});

test("hosts that are not known, and a server that is away, are told", async (t) => {
  const told = { code: "storage-unavailable", status: 503 };
  const { params, known_host_file: known = "" } = await server.store();
  const folder = await mkdtemp(join(tmpdir(), "deckle-hosts-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const [name = "", ...key] = (await readFile(String(known), "utf8")).trim().split(" ");
  const hosts = async (text: string): Promise<Storage> => {
    const known_host_file = join(folder, "hosts");
    await writeFile(known_host_file, text);
    return (await createStore(t, { known_host_file })).store;
  };
  const salt = randomBytes(20);
  const hashed = createHmac("sha1", salt).update(name).digest("base64");
  const line = `|1|${salt.toString("base64")}|${hashed} ${key.join(" ")}`;
  assert.equal(await (await hosts(`# a comment\n\n${line}\n`)).stat("a"), undefined);
  await assert.rejects((await hosts("")).stat("a"), told);
  await assert.rejects((await hosts(`elsewhere ${key.join(" ")}`)).stat("a"), told);
  await assert.rejects(
    (await hosts(`@revoked * x\n@revoked ${name} ${key.join(" ")}\n${line}`)).stat("a"),
    told,
  );
  const missing = await createStore(t, { known_host_file: join(folder, "none") });
  await assert.rejects(missing.store.stat("a"), told);
  const away = await createStore(t, { params: { ...(params as JsonObject), port: 9 } });
  await assert.rejects(away.store.stat("a"), told);
});

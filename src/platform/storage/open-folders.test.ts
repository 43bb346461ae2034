import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { nodeFiles } from "./file-operations.ts";
import { OpenFolders } from "./open-folders.ts";

async function world(t: TestContext, openMs?: number) {
  const root = await mkdtemp(join(tmpdir(), "deckle-folders-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  let opened = 0;
  const open: typeof nodeFiles.open = (...parameters) => {
    opened += 1;
    return nodeFiles.open(...parameters);
  };
  const folders = new OpenFolders({ ...nodeFiles, open }, openMs);
  t.after(() => folders.forget(root));
  return { root, folders, opened: () => opened };
}

/** Whether this process has the folder open. */
async function isOpen(folder: string): Promise<boolean> {
  const descriptors = await readdir("/proc/self/fd");
  const paths = await Promise.all(
    descriptors.map((each) => readlink(`/proc/self/fd/${each}`).catch(() => "")),
  );
  return paths.includes(folder);
}

test("a folder is opened once for syncs that follow each other, and again when it is made anew", async (t) => {
  const { root, folders, opened } = await world(t);
  for (let times = 0; times < 3; times += 1) await folders.sync(root);
  assert.equal(opened(), 1);

  folders.forget(root);
  await folders.sync(root);

  assert.equal(opened(), 2);
});

test("a folder that nobody asks for any more is closed", async (t) => {
  const { root, folders } = await world(t, 20);
  await folders.sync(root);
  assert.equal(await isOpen(root), true);

  for (let tries = 0; tries < 100 && (await isOpen(root)); tries += 1) await sleep(20);

  assert.equal(await isOpen(root), false);
});

test("a folder that cannot be synced is not kept", async (t) => {
  const { root, opened, folders } = await world(t);
  await assert.rejects(folders.sync(join(root, "missing")), { code: "ENOENT" });
  await mkdir(join(root, "missing"));

  await folders.sync(join(root, "missing"));

  assert.equal(opened(), 2);
  folders.forget(join(root, "missing"));
});

test("a folder that is forgotten while it is synced is closed after that", async (t) => {
  const { root, folders } = await world(t);
  const syncs = Array.from({ length: 5 }, () => {
    const sync = folders.sync(root);
    folders.forget(root);
    return sync;
  });

  await Promise.all(syncs);

  for (let tries = 0; tries < 100 && (await isOpen(root)); tries += 1) await sleep(20);
  assert.equal(await isOpen(root), false);
});

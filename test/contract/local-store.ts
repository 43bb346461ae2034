import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Algorithm } from "#base/digests.ts";
import { uuid7 } from "#base/uuid7.ts";
import { createFileSystemStorage } from "#platform/storage/file-system.ts";

/** A folder where a store elsewhere writes files until they are placed. */
export async function createLocal(t: TestContext, algorithms: readonly Algorithm[] = ["sha256"]) {
  const root = await mkdtemp(join(tmpdir(), "deckle-local-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  const own = { root, algorithms, fileMode: null, directoryMode: null, processId: uuid7() };
  return createFileSystemStorage(own);
}

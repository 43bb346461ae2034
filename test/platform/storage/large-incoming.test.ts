import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { uuid7 } from "#base/uuid7.ts";
import { createFileSystemStorage } from "#platform/storage/file-system.ts";

const PIECE = 65_536;
const EXPECTED = 5 * 1024 * 1024;

test("a file of which much was expected has its digest, however much came", async (t) => {
  const root = await mkdtemp(join(tmpdir(), "deckle-large-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  const storage = createFileSystemStorage({
    ...{ root, fileMode: null, directoryMode: null, algorithms: ["sha256"], processId: uuid7() },
  });
  for (const sizeBytes of [EXPECTED, 100_000, 1000]) {
    const bytes = randomBytes(sizeBytes);
    await using file = await storage.beginFile({ algorithms: [], expectedBytes: EXPECTED });
    for (let at = 0; at < sizeBytes; at += PIECE) await file.append(bytes.subarray(at, at + PIECE));

    const early = await file.hashed?.();
    await storage.place(file, `artifact/ab/${sizeBytes}`);

    const sha256 = createHash("sha256").update(bytes).digest("hex");
    assert.deepEqual(early, { sizeBytes, digests: { sha256 } });
    assert.ok((await readFile(join(root, `artifact/ab/${sizeBytes}`))).equals(bytes));
  }
});

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { releaseBytes } from "#base/release-bytes.ts";
import { uuid7 } from "#base/uuid7.ts";
import { createFileSystemStorage } from "#platform/storage/file-system.ts";

const MIB = 1024 * 1024;

test("memory of its own is given back, shared memory stays", () => {
  const own = Buffer.from(new ArrayBuffer(1000));
  const shared = Buffer.from(new ArrayBuffer(1000), 0, 500);

  releaseBytes(own);
  releaseBytes(shared);

  assert.deepEqual([own.length, shared.length], [0, 500]);
});

for (const ownsBytes of [true, false]) {
  test(`a file ${ownsBytes ? "gives back" : "leaves"} the memory of what it has written`, async (t) => {
    const root = await mkdtemp(join(tmpdir(), "deckle-release-"));
    t.after(() => rm(root, { recursive: true, force: true }));
    const storage = createFileSystemStorage({
      ...{ root, algorithms: ["sha256", "sha512"], fileMode: 0o644, directoryMode: null },
      processId: uuid7(),
    });
    const pieces = Array.from({ length: 5 }, () => Buffer.from(new Uint8Array(randomBytes(MIB))));
    const whole = Buffer.concat(pieces);

    await using file = await storage.beginFile({ algorithms: ["sha512"], ownsBytes });
    for (const piece of pieces) {
      await new Promise((resolve) => file.sink.write(piece, resolve));
    }
    const sealed = await file.seal();

    assert.equal(sealed.sizeBytes, 5 * MIB);
    assert.deepEqual(await file.read(0, 5 * MIB), whole);
    const left = pieces.reduce((sum, { length }) => sum + length, 0);
    assert.equal(left, ownsBytes ? 0 : 5 * MIB);
  });
}

import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import { test } from "node:test";
import { slowHash } from "#core/access/slow-hash.ts";

test("each gets its own key, also after one that cannot be made", async () => {
  const ask = (password: string, iterations: number) =>
    slowHash({ password, salt: "s", iterations, bytes: 32 });
  const asked = [ask("a", 1000), ask("b", 1), ask("c", 0), ask("d", 2)];
  const [a, b, c, d] = await Promise.allSettled(asked);

  assert.equal(c?.status, "rejected");
  for (const [found, password, iterations] of [
    [a, "a", 1000],
    [b, "b", 1],
    [d, "d", 2],
  ] as const) {
    const value = pbkdf2Sync(password, "s", iterations, 32, "sha256");
    assert.deepEqual(found, { status: "fulfilled", value });
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { isDigest, isRepositoryName, isTag, parseDigest } from "./names.ts";

const HEX = "0123456789abcdef".repeat(4);

const cases = (check: (text: string) => boolean, right: string[], wrong: string[]) => () => {
  for (const text of right) assert.ok(check(text), text);
  for (const text of wrong) assert.ok(!check(text), text);
};

test(
  "names of repositories",
  cases(
    isRepositoryName,
    ["a", "0", "foo/bar/baz", "a.b_c__d---e", "library/busy-box", `${"a".repeat(255)}`],
    ["", "A", "a/", "/a", "a//b", "-a", "a-", "a___b", "a..b", "a_.b", "a b", "ä", "a".repeat(256)],
  ),
);

test(
  "tags",
  cases(
    isTag,
    ["latest", "_x", "1.0", "A-b_c.d", "sha256-abc.sig", "x".repeat(128)],
    ["", ".a", "-a", "a:b", "a/b", "x".repeat(129), "a+b"],
  ),
);

test(
  "digests",
  cases(
    isDigest,
    [`sha256:${HEX}`, `sha512:${HEX}${HEX}`, "blake3:AbC=_-", "a+b.c:x"],
    [
      ...["", "sha256:", `sha256:${HEX}0`, `sha256:${HEX.toUpperCase()}`, `sha512:${HEX}`],
      ...["SHA256:abc", ":abc", "a:", `a:${"x".repeat(257)}`, "a:b c", "sha256:baddigeststring"],
    ],
  ),
);

test("only what we can make is addressable", () => {
  assert.deepEqual(parseDigest(`sha256:${HEX}`), { algorithm: "sha256", hex: HEX });
  assert.deepEqual(parseDigest(`sha512:${HEX}${HEX}`)?.algorithm, "sha512");
  for (const text of ["blake3:abc", `sha384:${HEX}`, HEX, `sha256-${HEX}`]) {
    assert.equal(parseDigest(text), undefined);
  }
});

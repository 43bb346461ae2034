import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { basename } from "node:path";
import { test } from "node:test";
import { root, sourceFiles } from "./sources.ts";

const generators = sourceFiles().filter((path) => /^tools\/generate(?:-[\w-]+)?\.ts$/.test(path));

test("there are generators to check", () => assert.ok(generators.length > 0));

for (const generator of generators) {
  test(`what ${basename(generator)} makes is committed`, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [generator, "--check"], {
      cwd: root,
      encoding: "utf8",
    });
    assert.equal(status, 0, stdout + stderr);
  });
}

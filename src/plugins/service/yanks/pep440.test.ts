import assert from "node:assert/strict";
import { test } from "node:test";
import { projectKey, versionKey } from "./pep440.ts";

test("spellings of one version have one key", () => {
  const same = [
    ["1.0", "1", "v1.0.0", " 1.00 ", "0!1"],
    ["1.1rc1", "1.1-RC1", "1.1.c.1", "1.1_pre1", "1.1preview01"],
    ["1a0", "1a", "1.alpha", "1-ALPHA-0"],
    ["2.post1", "2-1", "2-r1", "2.rev.1", "2.0post01"],
    ["3.dev0", "3dev", "3-DEV0"],
    ["1+ubuntu.1", "1+Ubuntu-1", "1.0+ubuntu_01"],
  ];
  for (const [first = "", ...others] of same)
    for (const other of others) assert.equal(versionKey(other), versionKey(first), other);
});

test("other versions have other keys, and what is no version stands for itself", () => {
  const different = ["1", "1.1", "1rc1", "1rc2", "1.post1", "1.dev1", "1+a", "1!1", "10", "1.0.1"];
  assert.equal(new Set(different.map(versionKey)).size, different.length);
  assert.equal(versionKey("2004-Fall"), "2004-fall");
});

test("names of projects are compared without case and separators", () => {
  assert.equal(projectKey("Zope._-Interface"), "zope-interface");
});

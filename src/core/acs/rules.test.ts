import assert from "node:assert/strict";
import { test } from "node:test";
import { hiddenName, pathUrl } from "./rules.ts";

test("paths are joined to the address of the remote", () => {
  assert.equal(pathUrl("http://h/files/PULP_MANIFEST", ""), "http://h/files/PULP_MANIFEST");
  assert.equal(pathUrl("http://h/files/", "a/PULP_MANIFEST"), "http://h/files/a/PULP_MANIFEST");
  assert.equal(pathUrl("http://h/files", "b"), "http://h/files/b");
});

test("hidden repositories say whose they are", () => {
  assert.equal(hiddenName("acs", "0198"), "acs--0198--repository");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileAddress, manifestName } from "./file-address.ts";

test("files live in the folder of their manifest", () => {
  const address = fileAddress("https://h:8443/a%20b/PULP_MANIFEST?token=x");

  assert.equal(address("dir/ä #1?.iso"), "https://h:8443/a%20b/dir/%C3%A4%20%231%3F.iso");
  assert.equal(fileAddress("file:///data/PULP_MANIFEST")("a b/%41"), "file:///data/a b/%41");
});

test("a manifest is named as its address ends", () => {
  assert.equal(manifestName("https://h/a/PULP%20MANIFEST?x=/y"), "PULP MANIFEST");
  assert.equal(manifestName("https://h/a/%"), "%");
  assert.equal(manifestName("https://h/"), "PULP_MANIFEST");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chunkName, objectName, objectOwner } from "./rules.ts";

const DIGEST = "ab".repeat(32);
const ID = "0199b1f0-0000-7000-8000-00000000abcd";
const home = { id: ID, name: "default" };
const other = { id: ID, name: "team" };

test("objects are named by digest, below the domain unless it is the default one", () => {
  assert.equal(objectName(home, DIGEST), `artifact/ab/${DIGEST.slice(2)}`);
  assert.equal(objectName(other, DIGEST), `artifact/${ID}/ab/${DIGEST.slice(2)}`);
});

test("the owner of an object is read back from its name", () => {
  const hex = fc.string({
    minLength: 64,
    maxLength: 64,
    unit: fc.constantFrom(..."0123456789abcdef"),
  });
  fc.assert(
    fc.property(hex, fc.constantFrom(home, other), (sha256, domain) => {
      const owner = objectOwner(domain, objectName(domain, sha256), "upload");
      assert.deepEqual(owner, { kind: "artifact", sha256 });
    }),
  );
  assert.deepEqual(objectOwner(home, `upload/${ID}`, "upload"), { kind: "chunk", id: ID });
  assert.deepEqual(objectOwner(home, `a/b/${ID}`, "/a/b/"), { kind: "chunk", id: ID });
  assert.equal(chunkName("/a/b/", ID), `a/b/${ID}`);
  const temporary = `tmp/files/${ID.slice(0, 2)}/${ID.slice(2)}`;
  assert.deepEqual(objectOwner(home, temporary, "upload"), { kind: "temporary", id: ID });
});

test("a name that is not ours belongs to a row that says so", () => {
  const names = [
    objectName(other, DIGEST),
    `artifact/ab/${DIGEST}`,
    `upload/${ID}/x`,
    "upload/x",
    "tmp/files/ab/cd",
    "artifact/legacy.rpm",
  ];
  for (const name of names)
    assert.deepEqual(objectOwner(home, name, "upload"), { kind: "other" }, name);
});

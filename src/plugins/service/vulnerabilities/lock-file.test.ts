import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidLockFile, lockedPackages } from "./lock-file.ts";

const LOCK = { name: "app", lockfileVersion: 3, packages: {} };

test("dependencies of every package are asked about once, without carets and tildes", () => {
  const packages = {
    "": { name: "app", dependencies: { express: "^4.17.0", cookie: "0.5.0" } },
    "node_modules/express": {
      version: "4.18.2",
      dependencies: { cookie: "0.5.0", "@scope/x": "~1.0.0-rc.1", debug: "2.6.9~" },
    },
    "node_modules/none": {},
  };
  assert.deepEqual(lockedPackages({ ...LOCK, packages }), [
    { name: "express", version: "4.17.0" },
    { name: "cookie", version: "0.5.0" },
    { name: "@scope/x", version: "1.0.0-rc.1" },
    { name: "debug", version: "2.6.9" },
  ]);
});

test("ranges, tags and addresses are no releases", () => {
  const dependencies = {
    ...{ a: ">=1 <2", b: "1.x", c: "*", d: "latest", e: "git+ssh://x", f: "1 - 2", g: "^1 || ^2" },
    ...{ h: "", i: 7, j: null },
  };
  assert.deepEqual(lockedPackages({ ...LOCK, packages: { "": { dependencies } } }), []);
});

test("what breaks the schema is refused with its place", () => {
  const { name: _, ...unnamed } = LOCK;
  const cases = [
    [[], "no object"],
    [unnamed, "'name' is a required property"],
    [{ ...LOCK, name: 7 }, "name is not of type 'string'"],
    [{ ...LOCK, lockfileVersion: "3" }, "lockfileVersion is not of type 'integer'"],
    [{ ...LOCK, packages: [] }, "packages is not of type 'object'"],
    [{ ...LOCK, requires: "yes" }, "requires is not of type 'boolean'"],
    [{ ...LOCK, dependencies: { a: 7 } }, "dependencies.a is no object"],
    [{ ...LOCK, dependencies: { a: { version: 1 } } }, "dependencies.a.version is not of type"],
    [{ ...LOCK, packages: { x: 7 } }, "packages['x'] is no object"],
    [{ ...LOCK, packages: { x: { dependencies: [] } } }, "packages['x'].dependencies is not"],
  ] as const;
  for (const [document, words] of cases) {
    assert.throws(
      () => lockedPackages(document as never),
      (error: Error) => error instanceof InvalidLockFile && error.message.includes(words),
      words,
    );
  }
});

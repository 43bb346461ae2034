import assert from "node:assert/strict";
import { test } from "node:test";
import { isPrerelease, newestFirst, projectRule } from "./releases.ts";

/** Greatest first, as PEP 440 orders them. */
const ORDERED = [
  ...["1!0.1", "2024.1", "1.10", "1.1.post1", "1.1+local.10", "1.1+local.9", "1.1+abc", "1.1"],
  ...["1.1rc2", "1.1c1", "1.1b1.post2", "1.1b1", "1.1a2", "1.1alpha1", "1.1a1.dev3", "1.1.dev2"],
  ...["1.0.1", "1", "0.9"],
];

test("versions are ordered as PEP 440 says, others come last", () => {
  assert.deepEqual(newestFirst(["dog", ...ORDERED.toReversed()]), [...ORDERED, "dog"]);
});

test("pre-releases and development releases are told", () => {
  const versions = ["1.0a1", "1.0-beta.2", "1.0RC1", "1.0.dev0", "1.0.post1.dev2", "v1.0pre"];
  assert.deepEqual(
    versions.filter((version) => !isPrerelease(version)),
    [],
  );
  assert.deepEqual(["1.0", "1.0.post1", "1.0-1", "1.0+dev", "dev"].filter(isPrerelease), []);
});

const ranges: readonly (readonly [line: string, taken: string, dropped: string])[] = [
  ["x==1.0", "1.0 1 1.0.0 1.0+local", "1.0.1 1.0.post1 1.0a1"],
  ["x==1.0+l", "1.0+L", "1.0 1.0+m"],
  ["x==1.1.*", "1.1 1.1.9 1.1a1 1.1.post1", "1.10 1.2 1!1.1"],
  ["x==1.0.*", "1 1.0.3", "1.1"],
  ["x!=1.1.*", "1.0 1.10 2", "1.1 1.1.1"],
  ["x!=1.0", "1.1", "1.0 1"],
  ["x~=2.2", "2.2 2.3 2.2.post3", "2.1 3.0 2.2a1"],
  ["x~=1.4.5", "1.4.5 1.4.9", "1.4.4 1.5"],
  ["x~=1.4.5a4", "1.4.5a4 1.4.6", "1.4.5a3 1.5"],
  ["x<1.0", "0.9 0.9.dev1", "1.0 1.0a1 1.0.dev1"],
  ["x<1.0b2", "1.0b1 1.0a1", "1.0b2 1.0"],
  ["x>1.0", "1.1 1.0.1", "1.0 1.0.post1 1.0+local"],
  ["x>1.0.post1", "1.0.post2 1.1", "1.0.post1 1.0"],
  ["x>=1.0", "1.0 1.0+local 2.0a1", "1.0a1 0.9"],
  ["x<=1.0", "1.0 1.0+local 1.0a1", "1.0.post1 1.1"],
  ["x===dog", "dog DOG", "1.0"],
  ["x (>=1, <2)", "1 1.5", "2 0.9"],
  ["x[extra] >= 1 ; python_version > '3'", "1", "0"],
];

for (const [line, taken, dropped] of ranges) {
  test(`range ${line}`, () => {
    const { name, takes } = projectRule(line);
    assert.equal(name, "x");
    assert.deepEqual(
      taken.split(" ").filter((version) => !takes?.(version)),
      [],
    );
    assert.deepEqual(
      dropped.split(" ").filter((version) => takes?.(version)),
      [],
    );
  });
}

test("a name alone takes everything, and is normalised", () => {
  assert.deepEqual(projectRule("A_.b"), { name: "a-b", takes: null });
});

for (const line of ["", "x=1", "x==", "x~=1", "-x", "x>=dog", "x==1.*.2"]) {
  test(`'${line}' is no rule`, () => {
    assert.throws(() => projectRule(line), /is no requirement/);
  });
}

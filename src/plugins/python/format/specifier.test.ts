import assert from "node:assert/strict";
import { test } from "node:test";
import { contains, parseSpecifiers } from "./specifier.ts";

const admits = (text: string, version: string, prereleases = true): boolean => {
  const set = parseSpecifiers(text);
  assert.ok(set, text);
  return contains(set, version, { prereleases });
};

/** Conditions → versions that meet them, and versions that do not. */
const CASES: Readonly<Record<string, readonly [met: string, unmet: string]>> = {
  "~=2.2": ["2.2 2.2.0 2.3 2.99 2.2.post1 2.2+x", "2.1 3.0 2.2rc1 3.0.dev1 junk"],
  "~=1.4.5a4": ["1.4.5a4 1.4.5 1.4.99", "1.4.5a3 1.5"],
  "~=1!2.2.post3": ["1!2.2.post3 1!2.3", "1!2.2.post2 2.3 1!3.0"],
  "==1.1": ["1.1 1.1.0 1.1+local", "1.1.post1 1.1a1 1.1.1 1.1.dev1"],
  "==1.1+local": ["1.1+local 1.1.0+LOCAL", "1.1 1.1+other"],
  "==1.1.*": ["1.1 1.1.post1 1.1a1 1.1.5 1.1.dev1 1.1+local", "1.11 1 1.2"],
  "==1!1.*": ["1!1.5", "1.5"],
  "==1.0.0.*": ["1 1.0 1.0.0.5", "1.0.1"],
  "!=1.1": ["1.1.post1 1.2", "1.1 1.1.0 1.1+local junk"],
  "!=1.1.*": ["1.2 1", "1.1 1.1.5 1.1a1"],
  "<=1.1": ["1.1 1.1+local 1.0 1.1a1", "1.1.post1 1.2"],
  ">=1.1": ["1.1 1.1.post1 1.2 1.1+local", "1.1a1 1.0"],
  "<3.1": ["3.0 3.0+local 3.0.post1", "3.1 3.1.dev0 3.1rc1 3.1a1.post2"],
  "<3.1rc2": ["3.1rc1 3.1.dev0 3.0", "3.1rc2 3.1"],
  "<3.1.post2": ["3.1 3.1.post1 3.1.dev1", "3.1.post2 3.1.post2.dev1"],
  ">1.7": ["1.7.1 1.8 1.8.dev0", "1.7 1.7.0.post1 1.7+local 1.7.post1.dev1 1.7rc1"],
  ">1.7.post2": ["1.7.post3 1.7.1", "1.7.post2 1.7.0 1.7.post2+local"],
  ">1.7a1": ["1.7a2 1.7 1.7.post1", "1.7a1 1.7a1.post1 1.7a1+local"],
  "===1.0": ["1.0", "1.0.0 1 1.0+x"],
  "===Junk-2004": ["junk-2004", "2004 junk"],
  ">=1, <2 , !=1.5.*,": ["1.0 1.6", "1.5.2 2.0 0.9"],
};

for (const [text, [met, unmet]] of Object.entries(CASES)) {
  test(`'${text}' is met by ${met} and not by ${unmet}`, () => {
    const failing = [
      ...met.split(" ").filter((version) => !admits(text, version)),
      ...unmet.split(" ").filter((version) => admits(text, version)),
    ];
    assert.deepEqual(failing, []);
  });
}

test("no condition is met by everything", () => {
  for (const version of ["1", "0.dev1", "2!3", "junk"]) assert.equal(admits("", version), true);
});

test("versions before a release are left out on demand", () => {
  assert.equal(admits(">=1.0", "1.1rc1", false), false);
  assert.equal(admits("==1.1rc1", "1.1rc1", false), false);
  assert.equal(admits("===1.1rc1", "1.1rc1", false), false);
  assert.equal(admits("===junk", "junk", false), true);
  assert.equal(admits("", "1.1.post1", false), true);
});

const invalid = [
  "1.0",
  "=1.0",
  "==",
  ">= ",
  "~=1",
  "~=1.0.*",
  "~=1.0+local",
  ">=1.0.*",
  "<1.0+local",
  ">=1.0 <2",
  "==1.0a1.*",
  "==1.0+x.*",
  "==.*",
  "==*",
  ">=1;",
  "===1)",
  "=>1",
  "~1.0",
  "^1.0",
  "==1.0,junk",
];

for (const text of invalid) {
  test(`'${text}' is not valid`, () => {
    assert.equal(parseSpecifiers(text), undefined);
  });
}

test("long texts take no longer than they are", () => {
  for (const piece of [" ", "=", ">=1,", ",", "1."])
    parseSpecifiers(`>=${piece.repeat(60_000 / piece.length)}!`);
  assert.equal(parseSpecifiers(" ".repeat(65_537)), undefined);
});

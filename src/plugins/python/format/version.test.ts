import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compareVersions,
  isPrerelease,
  parseVersion,
  sortVersions,
  type Version,
  versionText,
} from "./version.ts";

const parsed = (text: string): Version => {
  const version = parseVersion(text);
  assert.ok(version, text);
  return version;
};

/** From the lowest to the highest; those of one line are equal. */
const ORDERED: readonly (readonly string[])[] = [
  ["1.dev0", "1.0.dev0", "1.0dev", "v1.0-DEV_0", " 1.0.dev\n"],
  ["1.0a0.dev2"],
  ["1.0a0", "1a", "1.0-alpha", "1.0_ALPHA.0"],
  ["1.0a1", "1.0.a.1"],
  ["1.0a1.post2", "1.0a1-2", "1.0a1rev2"],
  ["1.0a10"],
  ["1.0b2", "1.0beta2"],
  ["1.0b2.post345.dev456"],
  ["1.0rc1.dev456"],
  ["1.0rc1", "1.0c1", "1.0pre1", "1.0-preview_1"],
  ["1.0", "1", "1.0.0.0", "0!1.0", "01.00"],
  ["1.0+abc.5", "1+ABC-5"],
  ["1.0+abc.7"],
  ["1.0+abc.7.x"],
  ["1.0+5"],
  ["1.0.post0.dev1"],
  ["1.0.post0", "1.0-0", "1.0post", "1.0r", "1.0.rev"],
  ["1.0.post1+x"],
  ["1.0.1"],
  ["1.1.dev1"],
  ["1.10"],
  ["2024.12.31"],
  ["9007199254740992"],
  ["9007199254740993"],
  ["1!0.1"],
];

test("versions are in their order, whatever their spelling", () => {
  for (const [index, group] of ORDERED.entries()) {
    for (const [other, otherGroup] of ORDERED.entries()) {
      for (const a of group) {
        for (const b of otherGroup)
          assert.equal(
            Math.sign(compareVersions(parsed(a), parsed(b))),
            Math.sign(index - other),
            `${a} and ${b}`,
          );
      }
    }
  }
});

const normalized: Readonly<Record<string, string>> = {
  "v1.0-ALPHA_1": "1.0a1",
  "01.002": "1.2",
  "1.0-5": "1.0.post5",
  "1.0.REV": "1.0.post0",
  "1.0pre": "1.0rc0",
  "2!1.0C3.post4.dev5+Ubuntu-01_x": "2!1.0rc3.post4.dev5+ubuntu.1.x",
  "0!1": "1",
  "00000000000000000000009007199254740993": "9007199254740993",
};

for (const [text, expected] of Object.entries(normalized)) {
  test(`'${text}' is '${expected}'`, () => {
    assert.equal(versionText(parsed(text)), expected);
    assert.equal(versionText(parsed(expected)), expected);
  });
}

const none = ["", "a", "1.", ".1", "1..2", "1.0-", "1.0+", "1.0+a+b", "1.0+é", "2004d", "1.0 1"];

for (const text of [...none, "dev", "1!", "1.0a1b1", "1.0\u00a0", "1.\u0661", "1.0.posſt1"]) {
  test(`${JSON.stringify(text)} is no version`, () => {
    assert.equal(parseVersion(text), undefined);
  });
}

test("development versions, alphas, betas and candidates come before releases", () => {
  for (const text of ["1.dev1", "1a1", "1b1", "1rc1", "1.post1.dev1", "1a1.post1"])
    assert.equal(isPrerelease(parsed(text)), true, text);
  for (const text of ["1", "1.post1", "1+local.dev1"])
    assert.equal(isPrerelease(parsed(text)), false, text);
});

test("sorts texts, and puts those that are no versions behind", () => {
  assert.deepEqual(sortVersions(["2004d", "1.10", "bad", "1.9", "1.10rc1", ""]), [
    "1.9",
    "1.10rc1",
    "1.10",
    "",
    "2004d",
    "bad",
  ]);
});

test("texts of a hundred kilobytes are refused at once", () => {
  const long = 100_000;
  for (const piece of ["1.", "1", "a", " ", "1+a.", "-1", "1!"])
    assert.equal(parseVersion(`1${piece.repeat(long / piece.length)}!`), undefined);
  assert.equal(parseVersion(`${"1.".repeat(2047)}1x`), undefined);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { passwordProblems } from "./rules.ts";

const SHORT = "This password is too short. It must contain at least 8 characters.";
const COMMON = "This password is too common.";
const NUMERIC = "This password is entirely numeric.";

const passwords: readonly (readonly [string, readonly string[]])[] = [
  ["long enough and odd", []],
  ["pässwörtchen", []],
  ["short7!", [SHORT]],
  ["Password1", [COMMON]],
  ["72946105", [NUMERIC]],
  ["12345678", [COMMON, NUMERIC]],
  ["1234", [SHORT, COMMON, NUMERIC]],
];

for (const [password, problems] of passwords) {
  test(`the password "${password}" has ${problems.length} problems`, () => {
    assert.deepEqual(passwordProblems(password), problems);
  });
}

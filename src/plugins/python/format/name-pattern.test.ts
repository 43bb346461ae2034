import assert from "node:assert/strict";
import { test } from "node:test";
import { matchesSome, namePattern } from "./name-pattern.ts";

test("patterns are normalised as names are", () => {
  assert.equal(namePattern("Acme._*"), "acme-*");
  assert.equal(namePattern("Acme.Tool"), "acme-tool");
  assert.equal(namePattern("*-internal"), "*-internal");
});

test("patterns that match nothing or everything are none", () => {
  for (const text of ["", "*", "**", "a b", "acme/*", "é*", "-acme-*", "a".repeat(201)]) {
    assert.equal(namePattern(text), undefined, text);
  }
});

test("an asterisk stands for any characters", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["acme", "acme", true],
    ["acme", "acme-tool", false],
    ["acme-*", "acme-tool", true],
    ["acme-*", "acme", false],
    ["*acme", "tool-acme", true],
    ["a*a", "a", false],
    ["a*a", "aa", true],
    ["a*b*c", "a-b-b-c", true],
    ["a*b*c", "a-c-b", false],
    ["*mid*", "amidst", true],
  ];
  for (const [pattern, name, expected] of cases) {
    assert.equal(matchesSome([pattern], name), expected, `${pattern} ${name}`);
  }
});

test("many asterisks against a long name cost no more than its length", () => {
  const start = process.cpuUsage();
  for (let round = 0; round < 1000; round += 1) {
    assert.equal(matchesSome(["*a".repeat(100)], `${"a".repeat(200)}b`), false);
  }
  const { user } = process.cpuUsage(start);
  assert.ok(user < 1_000_000, `${user} µs`);
});

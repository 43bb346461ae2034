import assert from "node:assert/strict";
import { test } from "node:test";
import { compareVersions, releaseNumber, satisfies } from "./version-order.ts";

/** PEP 440, "Summary of permitted suffixes and relative ordering". */
const RISING = [
  "1.0.dev0",
  "1.0.dev456",
  "1.0a1.dev1",
  "1.0a1",
  "1.0a2.dev456",
  "1.0a12.dev456",
  "1.0a12",
  "1.0b1.dev456",
  "1.0b2",
  "1.0b2.post345.dev456",
  "1.0b2.post345",
  "1.0rc1.dev456",
  "1.0rc1",
  "1.0",
  "1.0.post456.dev34",
  "1.0.post456",
  "1.0.1.dev0",
  "1.1.dev1",
  "3.95.0",
  "3.117.0.dev",
  "3.117.0",
  "1!0.1",
];

test("versions are ordered as PEP 440 says", () => {
  for (const [i, low] of RISING.entries()) {
    for (const [j, high] of RISING.entries()) {
      assert.equal(
        Math.sign(compareVersions(low, high) ?? Number.NaN),
        Math.sign(i - j),
        `${low} ${high}`,
      );
    }
  }
  assert.equal(compareVersions("1.0", "1.0.0"), 0);
  assert.equal(compareVersions("v1.0-RC1", "1.0rc1"), 0);
  assert.equal(compareVersions("1.0-1", "1.0.post1"), 0);
  assert.equal(compareVersions("1.0+local.1", "1.0"), 0);
  assert.equal(compareVersions("1.0", "latest"), undefined);
});

test("every required component must be there", () => {
  const provided = { core: "3.95.0", file: "3.95.0" };
  assert.equal(satisfies({}, provided), true);
  assert.equal(satisfies({ core: "3.95.0.dev", file: "3.1" }, provided), true);
  assert.equal(satisfies({ core: "3.95.1" }, provided), false);
  assert.equal(satisfies({ rpm: "0" }, provided), false);
  assert.equal(satisfies({ core: "nonsense" }, provided), false);
});

test("releases are rising integers", () => {
  assert.equal(releaseNumber("3.95.0"), 3_095_000);
  assert.ok(releaseNumber("3.117.2") > releaseNumber("3.95.40"));
  assert.equal(releaseNumber("latest"), 0);
});

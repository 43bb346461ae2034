import assert from "node:assert/strict";
import { test } from "node:test";
import { isPlatform, takesPlatform } from "./platforms.ts";

const platform = (text: string) => {
  const [os = "", architecture = "", variant = ""] = text.split("/");
  return { os, architecture, variant, os_version: "", os_features: "", features: "" };
};

test("a platform is taken if it is wanted, with any variant where none is named", () => {
  const cases: readonly (readonly [readonly string[], string, boolean])[] = [
    [[], "linux/s390x", true],
    [["linux/amd64"], "linux/amd64", true],
    [["linux/amd64"], "linux/amd64/v2", true],
    [["linux/amd64"], "windows/amd64", false],
    [["linux/amd64"], "linux/arm64/v8", false],
    [["linux/arm64/v8"], "linux/arm64", true],
    [["linux/arm64"], "linux/arm64/v8", true],
    [["linux/arm/v7"], "linux/arm/v6", false],
    [["linux/arm/v7"], "linux/arm", false],
    [["linux/arm/v7", "linux/arm/v6"], "linux/arm/v6", true],
    [["linux/amd64"], "unknown/unknown", true],
    [["linux/amd64"], "", true],
  ];
  for (const [wanted, text, isTaken] of cases)
    assert.equal(takesPlatform(wanted, platform(text)), isTaken, `${wanted} ${text}`);
  assert.equal(takesPlatform(["linux/amd64"]), true, "of what nobody says anything");
});

test("platforms are written as os/architecture/variant", () => {
  for (const text of ["linux/amd64", "linux/arm/v7", "windows/amd64"]) assert.ok(isPlatform(text));
  for (const text of ["amd64", "linux/", "/amd64", "Linux/amd64", "linux/arm/v7/x", "linux/*"])
    assert.ok(!isPlatform(text), text);
});

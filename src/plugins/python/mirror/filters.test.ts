import assert from "node:assert/strict";
import { test } from "node:test";
import type { IndexFile } from "../format/index-file.ts";
import { candidatesOf, wantedFiles } from "./filters.ts";
import { projectRule } from "./releases.ts";
import type { MirrorRules } from "./rules.ts";

const fileOf = (filename: string): IndexFile => ({
  filename,
  url: `https://files.example/${filename}`,
  hashes: {},
  requiresPython: null,
  coreMetadata: false,
  yanked: null,
  size: null,
  uploadTime: null,
  provenance: null,
});

const all: MirrorRules = {
  includes: [],
  excludes: [],
  prereleases: false,
  packageTypes: [],
  keepLatest: 0,
  excludePlatforms: [],
};

function wanted(filenames: readonly string[], rules: Partial<MirrorRules>, name = "x"): string[] {
  const candidates = candidatesOf(name, filenames.map(fileOf));
  return wantedFiles(name, candidates, { ...all, ...rules }).map(({ file }) => file.filename);
}

const sdists = (...versions: readonly string[]) => versions.map((version) => `x-${version}.tar.gz`);
const rules = (...lines: readonly string[]) => lines.map(projectRule);
const releases = ["0.9", "1.0", "1.1", "1.10", "2.0", "2.1rc1", "3.0.dev1"];

const cases: readonly (readonly [string, Partial<MirrorRules>, readonly string[]])[] = [
  ["pre-releases are left out", {}, ["0.9", "1.0", "1.1", "1.10", "2.0"]],
  ["pre-releases are taken if wanted", { prereleases: true }, releases],
  [
    "an include without a specifier takes all",
    { includes: rules("X") },
    ["0.9", "1.0", "1.1", "1.10", "2.0"],
  ],
  ["an include takes its range", { includes: rules("x>=1.1") }, ["1.1", "1.10", "2.0"]],
  [
    "lines about one project are alternatives",
    { includes: rules("x==0.9", "x~=1.1") },
    ["0.9", "1.1", "1.10"],
  ],
  [
    "pre-releases match a range that is included",
    { includes: rules("x>2"), prereleases: true },
    ["2.1rc1", "3.0.dev1"],
  ],
  ["a project that is not included has nothing", { includes: rules("y") }, []],
  ["an exclude drops its range", { excludes: rules("x<1.10") }, ["1.10", "2.0"]],
  ["an exclude without a specifier drops all", { excludes: rules("x") }, []],
  [
    "what is included and excluded is dropped",
    { includes: rules("x>=1"), excludes: rules("x==1.1") },
    ["1.0", "1.10", "2.0"],
  ],
  ["the greatest releases are kept", { keepLatest: 2 }, ["1.10", "2.0"]],
  [
    "the greatest of those that are left are kept",
    { keepLatest: 1, excludes: rules("x>=2") },
    ["1.10"],
  ],
];

for (const [name, given, expected] of cases) {
  test(name, () => {
    assert.deepEqual(wanted(sdists(...releases), given), sdists(...expected));
  });
}

test("all files of a kept release are kept", () => {
  const files = ["x-1.tar.gz", "x-2.tar.gz", "x-2-py3-none-any.whl"];
  assert.deepEqual(wanted(files, { keepLatest: 1 }), files.slice(1));
});

test("versions that are none come last, and are no pre-releases", () => {
  assert.deepEqual(wanted(sdists("2004d", "1.0", "dog"), { keepLatest: 1 }), sdists("1.0"));
  assert.deepEqual(wanted(sdists("dog"), {}), sdists("dog"));
  assert.deepEqual(wanted(sdists("dog", "1.0"), { includes: rules("x>=0") }), sdists("1.0"));
  assert.deepEqual(wanted(sdists("dog", "1.0"), { excludes: rules("x>=0") }), sdists("dog"));
});

const wheels = {
  any: "x-1-py3-none-any.whl",
  linux: "x-1-cp312-cp312-manylinux_2_17_x86_64.whl",
  macos: "x-1-cp312-cp312-macosx_11_0_arm64.whl",
  freebsd: "x-1-cp312-cp312-freebsd_14_amd64.whl",
  win32: "x-1-cp312-cp312-win32.whl",
  amd64: "x-1-cp312-cp312-win_amd64.whl",
  arm64: "x-1-cp312-cp312-win_arm64.whl",
  installer: "x-1.win-amd64-py3.9.exe",
  sdist: "x-1.tar.gz",
};

const platforms: readonly (readonly [string, readonly (keyof typeof wheels)[]])[] = [
  ["windows", ["win32", "amd64", "arm64", "installer"]],
  ["macos", ["macos"]],
  ["freebsd", ["freebsd"]],
  ["linux", ["linux"]],
];

for (const [platform, dropped] of platforms) {
  test(`files for ${platform} are left out`, () => {
    const left = wanted(Object.values(wheels), { excludePlatforms: [platform] });
    const gone = Object.values(wheels).filter((filename) => !left.includes(filename));
    assert.deepEqual(
      gone,
      dropped.map((key) => wheels[key]),
    );
  });
}

test("a project that is called after a platform is no file for it", () => {
  const files = ["linux_tools-1.tar.gz", "linux_tools-1-py3-none-any.whl"];
  assert.deepEqual(wanted(files, { excludePlatforms: ["linux"] }, "linux-tools"), files);
});

test("only the kinds that are asked for are taken", () => {
  const { sdist, any } = wheels;
  assert.deepEqual(wanted([sdist, any], { packageTypes: ["sdist"] }), [sdist]);
});

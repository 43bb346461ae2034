import assert from "node:assert/strict";
import { test } from "node:test";
import { packageName } from "./package-name.ts";

const told = (type: string, path: string) => {
  const found = packageName({ type, path, basePath: "base" });
  if (!found) return undefined;
  const { key, name, version, release, arch } = found;
  return [key, name, version, release, arch];
};

const NAMES = [
  [
    "rpm.rpm",
    "Packages/b/bear-4.1-1.noarch.rpm",
    "bear-4.1-1.noarch",
    "bear",
    "4.1",
    "1",
    "noarch",
  ],
  [
    "rpm.rpm",
    "gcc-c++-8.5.0-4.el8.x86_64.rpm",
    "gcc-c++-8.5.0-4.el8.x86_64",
    "gcc-c++",
    "8.5.0",
    "4.el8",
    "x86_64",
  ],
  [
    "python.python",
    "a.b_c-1.0-py3-none-any.whl",
    "a.b_c-1.0-py3-none-any.whl",
    "a-b-c",
    "1.0",
    null,
    "any",
  ],
  ["python.python", "A-B-2.0rc1.tar.gz", "A-B-2.0rc1.tar.gz", "a-b", "2.0rc1", null, null],
  [
    "maven.maven",
    "org/x/app/1.0/app-1.0.jar",
    "org/x/app/1.0/app-1.0.jar",
    "org.x:app",
    "1.0",
    null,
    null,
  ],
  [
    "npm.npm",
    "@s/left/-/left-1.0.0.tgz",
    "@s/left/-/left-1.0.0.tgz",
    "@s/left",
    "1.0.0",
    null,
    null,
  ],
  ["npm.npm", "left-pad-1.3.0.tgz", "left-pad-1.3.0.tgz", "left-pad", "1.3.0", null, null],
  ["gem.gem", "gems/rack-test-2.1.0.gem", "rack-test-2.1.0.gem", "rack-test", "2.1.0", null, null],
  [
    "gem.gem",
    "gems/n-1.18.0-x86_64-linux.gem",
    "n-1.18.0-x86_64-linux.gem",
    "n",
    "1.18.0",
    null,
    "x86_64-linux",
  ],
  ["container.container", "manifests/1.0", "1.0", "base", "1.0", null, null],
  ["container.container", "blobs/sha256:0a", "blobs", "base", null, null, null],
  ["file.file", "a/b.iso", "a/b.iso", "a/b.iso", null, null, null],
] as const;

test("files of every type are named after their packages", () => {
  for (const [type, path, ...expected] of NAMES) assert.deepEqual(told(type, path), expected, path);
});

test("metadata and what has no type of its own are no packages", () => {
  const cases = [
    ["rpm.rpm", "repodata/repomd.xml"],
    ["rpm.rpm", "odd.rpm"],
    ["python.python", "a-1.0-py3-none-any.whl.metadata"],
    ["maven.maven", "org/x/app/1.0/app-1.0.pom"],
    ["maven.maven", "org/x/app/maven-metadata.xml"],
    ["npm.npm", "left-pad"],
    ["gem.gem", "specs.4.8.gz"],
    ["file.file", "PULP_MANIFEST"],
    ["container.container", "tags/list"],
    ["core.artifact", "0a"],
    ["constructor.x", "a"],
    ["", ""],
  ] as const;
  for (const [type, path] of cases) assert.equal(told(type, path), undefined, path);
});

test("a file whose name is longer than any package's is not taken apart", () => {
  for (const type of [
    "rpm.rpm",
    "python.python",
    "npm.npm",
    "gem.gem",
    "maven.maven",
    "file.file",
  ]) {
    for (const end of [".rpm", ".whl", ".tar.gz", ".tgz", ".gem", ".jar"]) {
      assert.equal(told(type, `a/b/c/${"a-1".repeat(5000)}${end}`), undefined);
      assert.equal(told(type, `${"a-".repeat(5000)}${end}`), undefined);
    }
  }
});

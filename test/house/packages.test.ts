import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { read, root } from "./sources.ts";

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly license?: string;
}
interface LockEntry {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
}

const manifest: Manifest = JSON.parse(read("package.json"));
const direct = { ...manifest.dependencies, ...manifest.devDependencies };
const lock: { readonly packages: Readonly<Record<string, LockEntry>> } = JSON.parse(
  read("package-lock.json"),
);

/** Licences that an Apache-2.0 work may bring along. */
const ACCEPTED =
  /^\(?(?:0BSD|Apache-2\.0|BSD-2-Clause|BSD-3-Clause|BlueOak-1\.0\.0|CC0-1\.0|ISC|MIT|MIT-0|PostgreSQL|Python-2\.0|Unlicense)(?: (?:OR|AND) [\w.-]+)*\)?$/;

test("direct dependencies are pinned exactly", () => {
  const loose = Object.entries(direct).filter(
    ([, version]) => !/^\d+\.\d+\.\d+[\w.-]*$/.test(version),
  );
  assert.deepEqual(loose, []);
});

test("the lock file tells no address and keeps every checksum", () => {
  const entries = Object.entries(lock.packages).filter(([path]) => path !== "");
  const located = entries.filter(([, entry]) => entry.resolved !== undefined).map(([path]) => path);
  const unchecked = entries.filter(([, entry]) => !entry.integrity).map(([path]) => path);
  assert.deepEqual({ located, unchecked }, { located: [], unchecked: [] });
});

/** Packages of one scope come together, and so do the parts of the driver. */
const supplierOf = (name: string): string =>
  name.startsWith("@") ? (name.split("/")[0] ?? "") : name.replace(/^pg-.*/, "pg");

test("at most 25 suppliers of direct dependencies at run time", () => {
  const names = Object.keys(manifest.dependencies ?? {});
  const suppliers = new Set(names.map(supplierOf));
  assert.ok(suppliers.size <= 25, [...suppliers].join(", "));
});

test("every direct dependency has its line of reason", () => {
  const page = read("docs/decisions/0001-dependencies.md");
  const unexplained = Object.keys(direct).filter((name) => !page.includes(`| \`${name}\` |`));
  assert.deepEqual(unexplained, []);
  const named = [...page.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = ""]) => name);
  assert.deepEqual(
    named.filter((name) => !(name in direct)),
    [],
    "reasons without a dependency",
  );
});

test("every installed package has a licence that suits ours", () => {
  const refused = Object.keys(lock.packages)
    .filter((path) => path !== "" && existsSync(join(root, path, "package.json")))
    .map((path) => [path, licenceOf(path)] as const)
    .filter(([, licence]) => !ACCEPTED.test(licence));
  assert.deepEqual(refused, []);
});

test("a licence that asks for more is refused", () => {
  for (const licence of ["GPL-3.0-only", "AGPL-3.0", "SEE LICENSE IN x", ""]) {
    assert.doesNotMatch(licence, ACCEPTED);
  }
});

/** Packages of old have a list of those to choose from. */
function licenceOf(path: string): string {
  const { license, licenses = [] }: Licensed = JSON.parse(read(`${path}/package.json`));
  if (typeof license === "string") return license;
  return license?.type ?? licenses.map(({ type = "" }) => type).join(" OR ");
}

interface Licensed {
  readonly license?: string | { readonly type?: string };
  readonly licenses?: readonly { readonly type?: string }[];
}

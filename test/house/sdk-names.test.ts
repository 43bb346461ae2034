import assert from "node:assert/strict";
import { test } from "node:test";
import { read } from "./sources.ts";

/** Names of `export { a, type B } from` and `export type { C }`. */
const exportedNames = (text: string): readonly string[] =>
  [...text.matchAll(/export\s+(?:type\s+)?\{([^}]*)\}/g)]
    .flatMap(([, names = ""]) => names.split(","))
    .map((name) => name.trim().replace(/^type\s+/, ""))
    .map((name) => name.split(/\s+as\s+/).at(-1) ?? "")
    .concat(
      [...text.matchAll(/export\s+(?:type|interface|const|function)\s+(\w+)/g)].map(
        ([, n]) => n ?? "",
      ),
    )
    .filter(Boolean)
    .sort();

/** More than a plugin author reads through is no door any more. */
const MOST_NAMES = 120;

test("the door for plugins shows the listed names, and not too many", () => {
  const text = read("src/sdk/index.ts");
  assert.doesNotMatch(text, /export\s+\*/, "every name is written out");
  const names = exportedNames(text);
  const listed = read("test/house/sdk-names.txt").trim().split("\n");
  assert.deepEqual(names, listed, "a change of the plugin contract is reviewed in sdk-names.txt");
  assert.ok(names.length <= MOST_NAMES, `${names.length} names`);
});

test("names are read from every form of export", () => {
  const text =
    'export { a, type B } from "./x.ts";\nexport type { C as D } from "./y.ts";\nexport interface E {}';
  assert.deepEqual(exportedNames(text), ["B", "D", "E", "a"]);
});

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { read, root, sourceFiles } from "./sources.ts";

const TABLE = "test/plugins/service/statements.md";
/** Tests here, and tests whose names begin so wherever they are, stand for a statement. */
const FOLDER = "test/plugins/service/statements/";
const NAMED = /\btest\(\s*"(24 [^"]+)"/g;

interface Row {
  /** Path from the top; a dash where there is no test. */
  readonly file: string;
  /** Name of the test, or the reason for the dash. */
  readonly name: string;
}

function rowsOf(text: string): readonly Row[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| statement |"))
    .map((line) => {
      const [, file = "", name = ""] = /^\|.*\| (`[^`|]+`|—) \| ([^|]*)\|$/.exec(line) ?? [];
      return { file: file.replaceAll("`", ""), name: name.trim() };
    });
}

/** Whether the text of a file has a test of this name, which may stand beside `test` in a list. */
const hasTest = (text: string, name: string): boolean =>
  text.includes(`"${name}"`) || text.includes(`\`${name}\``);

function isMissing({ file, name }: Row): boolean {
  if (file === "" || name === "") return true;
  if (file === "—") return false;
  return !existsSync(join(root, file)) || !hasTest(read(file), name);
}

const rows = rowsOf(read(TABLE));

test("each statement names tests that exist, or says why there is none", () => {
  assert.ok(rows.length > 150, `${rows.length} rows`);
  assert.deepEqual(rows.filter(isMissing), []);
});

test("each test that is named after a statement is in the table", () => {
  const files = sourceFiles().filter((path) => /^test\/.*\.test\.ts$/.test(path));
  const tests = files.flatMap((file) => {
    const pattern = file.startsWith(FOLDER) ? /\btest\(\s*"([^"]+)"/g : NAMED;
    return [...read(file).matchAll(pattern)].map(([, name = ""]) => ({ file, name }));
  });
  const known = new Set(rows.map(({ file, name }) => `${file} ${name}`));
  assert.ok(tests.length > 30, `${tests.length} tests`);
  assert.deepEqual(
    tests.filter(({ file, name }) => !known.has(`${file} ${name}`)),
    [],
  );
});

test("a name of no test, a file that is not there and a dash without a reason are found", () => {
  const [none, gone, dash, good] = rowsOf(
    [
      "| a | `test/house/statements.test.ts` | no such name, however one looks |",
      "| b | `test/none.test.ts` | x |",
      "| c | — | |",
      "| d | — | for a reason |",
    ].join("\n"),
  );
  for (const row of [none, gone, dash]) assert.ok(row && isMissing(row), JSON.stringify(row));
  assert.ok(good && !isMissing(good));
});

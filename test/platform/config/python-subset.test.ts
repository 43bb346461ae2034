import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePython } from "#platform/config/python-subset.ts";
import { PythonError } from "#platform/config/python-tokens.ts";

const values: readonly (readonly [string, unknown])[] = [
  ["1", 1],
  ["-1_000", -1000],
  ["0x1F", 31],
  ["0o644", 0o644],
  ["1.5e3", 1500],
  [".5", 0.5],
  ["True", true],
  ["None", null],
  ["'a\\'b'", "a'b"],
  ['"tab\\t\\x41\\u00e9\\101"', "tab\tAéA"],
  ["r'\\d'", "\\d"],
  ["'''two\nlines'''", "two\nlines"],
  ["'a' 'b'", "ab"],
  ["('a'\n  'b')", "ab"],
  ["'a' + \\\n 'b'", "ab"],
  ["[1, 2,]", [1, 2]],
  ["(1,)", [1]],
  ["()", []],
  ["1, 2", [1, 2]],
  ["(1 + 2) * 3", 9],
  ["60 * 60 * 24 - 1", 86_399],
  ["{'a': 1, 'b': {'c': [None]},}", { a: 1, b: { c: [null] } }],
  ["{'a', 'b'}", ["a", "b"]],
  ["{}", {}],
  ["['a'] + ['b']", ["a", "b"]],
  ["base + '/x'", "/base/x"],
  ["f'{base}/{{y}}/{count}'", "/base/{y}/4"],
  ["{'x': base}  # a comment", { x: "/base" }],
  ["','", ","],
];

for (const [text, value] of values) {
  test(`X = ${text}`, () => {
    const assignments = parsePython(`"""Docs."""\nbase = '/base'\ncount = 4\nX = ${text}\n`);
    assert.deepEqual(assignments.at(-1), { name: "X", value, line: 4 });
  });
}

test("annotations, chains, semicolons, CRLF and nested names", () => {
  const source = "A: str = 'x'\r\nB = C = 1; D = 2\r\nE__f__g = True";

  assert.deepEqual(
    parsePython(source).map(({ name, value, line }) => [name, value, line]),
    [
      ["A", "x", 1],
      ["B", 1, 2],
      ["C", 1, 2],
      ["D", 2, 2],
      ["E__f__g", true, 3],
    ],
  );
});

test("an assigned list is not shared", () => {
  const [first, second] = parsePython("A = [1]\nB = A");

  assert.deepEqual(second?.value, [1]);
  assert.notEqual(first?.value, second?.value);
});

const refused: readonly (readonly [string, number, RegExp])[] = [
  ["import os", 1, /^'import'$/],
  ["A = 1\nfrom x import y", 2, /^'from'$/],
  ["A = os.environ['X']", 1, /^'os\.environ'$/],
  ["A = Path('/x')", 1, /^the call Path\(…\)$/],
  ["\n\nA = B", 3, /^the name 'B', which has no value yet,$/],
  ["if True:\n  A = 1", 1, /^'if'$/],
  ["A = [x for x in []]", 1, /./],
  ["A = lambda: 1", 1, /^'lambda'$/],
  ["A += 1", 1, /^'\+'$/],
  ["A['x'] = 1", 1, /^'\['$/],
  ["A = 'open", 1, /^a string without its closing quote$/],
  ["A = [1,\n2", 2, /end of the line/],
  ["A = b'x'", 1, /^a bytes literal$/],
  ["A = f'{1 + 1}'", 1, /^the f-string part \{1 \+ 1\}$/],
  ["A = 1 if True else 2", 1, /^'if'$/],
  ["A = 'a' % 1", 1, /^'%'$/],
  ["A = 1 $ 2", 1, /^the character '\$'$/],
  ["A = not True", 1, /^'not'$/],
  ["A", 1, /end of the line/],
];

for (const [source, line, what] of refused) {
  test(`refuses ${JSON.stringify(source)}`, () => {
    assert.throws(
      () => parsePython(source),
      (error) => error instanceof PythonError && error.line === line && what.test(error.message),
    );
  });
}

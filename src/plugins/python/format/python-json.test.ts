import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Json } from "#base/json.ts";
import { pythonJson } from "./python-json.ts";

const written: readonly (readonly [Json, string])[] = [
  [[], "[]"],
  [{}, "{}"],
  [null, "null"],
  [["LICENSE"], '["LICENSE"]'],
  [["test", "doc"], '["test", "doc"]'],
  [{ Home: "https://x.example/?a,b: c", n: 1 }, '{"Home": "https://x.example/?a,b: c", "n": 1}'],
  [[true, false, null, -1, [[]]], "[true, false, null, -1, [[]]]"],
  ["é\u007f\u{1f40d}\ud800", '"\\u00e9\\u007f\\ud83d\\udc0d\\ud800"'],
  ['\n\r\t\b\f\\"\u0000\u001f', '"\\n\\r\\t\\b\\f\\\\\\"\\u0000\\u001f"'],
  ["a,b:c", '"a,b:c"'],
];

for (const [value, expected] of written) {
  test(`writes ${expected}`, () => {
    assert.equal(pythonJson(value), expected);
  });
}

test("what is written reads back, and is ASCII", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = pythonJson(value as Json);
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
      assert.match(text, /^[\x20-\x7e]*$/);
    }),
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { scanJson } from "./json-scan.ts";

const cases: readonly (readonly [string, ReturnType<typeof scanJson>])[] = [
  ['{"a":1,"b":{"a":2},"c":[{"a":1},{"a":1}]}', undefined],
  ['{"a":1,"a":2}', { kind: "key", key: "a" }],
  ['{"x":{"a":1 , "b":2, "a" : 3}}', { kind: "key", key: "a" }],
  ['{"a":1,"\\u0061":2}', { kind: "key", key: "a" }],
  ['{"a":"a","b":"a"}', undefined],
  ['{"a":"\\"a\\":1","b":"}{][\\\\"}', undefined],
  ['["a","a"]', undefined],
  ['[[["x"]]]', undefined],
  ['[[[["x"]]]]', { kind: "depth" }],
  ['{"__proto__":1,"__proto__":2}', { kind: "key", key: "__proto__" }],
  ['{"a', undefined],
  ['"\\', undefined],
  ["]]}}", undefined],
];

for (const [text, problem] of cases) {
  test(`scan of ${text}`, () => assert.deepEqual(scanJson(text, 3), problem));
}

test("what JSON.stringify writes has no problem", () => {
  fc.assert(fc.property(fc.json(), (text) => scanJson(text, 1000) === undefined));
});

test("a long text takes no time to speak of", () => {
  const text = `{${Array.from({ length: 100_000 }, (_, n) => `"k${n}":"${"\\\\".repeat(5)}"`).join()}}`;
  const started = performance.now();
  assert.equal(scanJson(text, 8), undefined);
  assert.ok(performance.now() - started < 1000);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isValidName, normalizeName } from "./names.ts";

const normalized: Readonly<Record<string, string>> = {
  "shelf-reader": "shelf-reader",
  Pulp_Python: "pulp-python",
  "Pulp.Python": "pulp-python",
  "a-_.b": "a-b",
  "Foo--Bar__baz": "foo-bar-baz",
  "-a-": "-a-",
  "": "",
};

for (const [name, expected] of Object.entries(normalized)) {
  test(`'${name}' is normalised to '${expected}'`, () => {
    assert.equal(normalizeName(name), expected);
  });
}

test("normalising twice is normalising once", () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      const once = normalizeName(name);
      return normalizeName(once) === once && !/[_.]|--/.test(once);
    }),
  );
});

for (const name of ["a", "A", "7", "a.b", "a-b_c.d", "A0", "0-9"]) {
  test(`'${name}' is a name`, () => {
    assert.equal(isValidName(name), true);
  });
}

for (const name of ["", "-a", "a-", ".a", "a_", "a b", "a/b", "a\n", "é", "Ka\u017f", "a\0"]) {
  test(`${JSON.stringify(name)} is no name`, () => {
    assert.equal(isValidName(name), false);
  });
}

test("a long text that fails at its end is refused at once", () => {
  assert.equal(isValidName(`${"a-".repeat(500_000)}!`), false);
});

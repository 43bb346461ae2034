import assert from "node:assert/strict";
import { test } from "node:test";
import { disagreement } from "./agreement.ts";
import { parseFilename } from "./filename.ts";

const said = (filename: string, name: string, version: string): string | undefined => {
  const parts = parseFilename(filename);
  assert.ok(parts);
  return disagreement(parts, { name, version });
};

const agreeing: readonly (readonly [filename: string, name: string, version: string])[] = [
  ["foo-1.0.tar.gz", "foo", "1.0"],
  ["Foo_Bar-1.0.tar.gz", "foo.bar", "1"],
  ["foo-1.0rc1.tar.gz", "foo", "1.0-RC1"],
  ["foo-1.0+local.1-py3-none-any.whl", "foo", "1.0+local-1"],
  ["pytz-2004d.tar.gz", "pytz", "2004d"],
  ["foo-2004_d-py3-none-any.whl", "foo", "2004-d"],
];

for (const each of agreeing) {
  test(`${each.join(" ")} agree`, () => {
    assert.equal(said(...each), undefined);
  });
}

test("another name and another version are told", () => {
  assert.equal(
    said("foo-1.0.tar.gz", "bar", "1.0"),
    "The file name says 'foo', the metadata say 'bar'.",
  );
  assert.equal(
    said("foo-1.0.tar.gz", "foo", "1.0.post1"),
    "The file name says version '1.0', the metadata say '1.0.post1'.",
  );
  assert.ok(said("foo-2004d.tar.gz", "foo", "2004e"));
});

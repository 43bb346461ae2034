import assert from "node:assert/strict";
import { test } from "node:test";
import { extensionText, type Filename, packageTypeOf, parseFilename } from "./filename.ts";

const wheel = { packagetype: "bdist_wheel" } as const;
const sdist = { packagetype: "sdist", pythonVersion: "source" } as const;
const egg = { packagetype: "bdist_egg" } as const;
const installer = { packagetype: "bdist_wininst" } as const;

const parsed: Readonly<Record<string, Filename>> = {
  "shelf_reader-0.1-py2-none-any.whl": {
    ...wheel,
    name: "shelf_reader",
    version: "0.1",
    pythonVersion: "py2",
  },
  "six-1.16.0-py2.py3-none-any.whl": {
    ...wheel,
    name: "six",
    version: "1.16.0",
    pythonVersion: "py2.py3",
  },
  "a.b_c-1!2.0+local.1-1build2-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": {
    ...wheel,
    name: "a.b_c",
    version: "1!2.0+local.1",
    build: "1build2",
    pythonVersion: "cp313",
  },
  "tmp-dir/sub-dir/six-1.16.0-py3-none-any.whl": {
    ...wheel,
    name: "six",
    version: "1.16.0",
    pythonVersion: "py3",
  },
  "shelf-reader-0.1.tar.gz": { ...sdist, name: "shelf-reader", version: "0.1" },
  "shelf_reader-0.1.tar.bz2": { ...sdist, name: "shelf_reader", version: "0.1" },
  "pytz-2004d.zip": { ...sdist, name: "pytz", version: "2004d" },
  "a-b-c-1.0.0.dev1.tar.gz": { ...sdist, name: "a-b-c", version: "1.0.0.dev1" },
  "foo-1.0.egg": { ...egg, name: "foo", version: "1.0", pythonVersion: "" },
  "foo_bar-1.0-py2.7.egg": { ...egg, name: "foo_bar", version: "1.0", pythonVersion: "py2.7" },
  "foo-1.0-py3.10-macosx-10.9-x86_64.egg": {
    ...egg,
    name: "foo",
    version: "1.0",
    pythonVersion: "py3.10",
  },
  "foo-bar-1.0.win32.exe": { ...installer, name: "foo-bar", version: "1.0", pythonVersion: "" },
  "foo-1.0.win-amd64-py2.7.exe": {
    ...installer,
    name: "foo",
    version: "1.0",
    pythonVersion: "py2.7",
  },
  "foo-1.0.dev1.linux-x86_64-py3.6.exe": {
    ...installer,
    name: "foo",
    version: "1.0.dev1",
    pythonVersion: "py3.6",
  },
};

for (const [filename, expected] of Object.entries(parsed)) {
  test(`reads ${filename}`, () => {
    assert.deepEqual(parseFilename(filename), expected);
  });
}

const refused = [
  "",
  ".whl",
  "foo.whl",
  "foo-1.0.whl",
  "foo-1.0-py3-none.whl",
  "foo-1.0-b1-py3-none-any.whl",
  "foo-1.0-1-2-py3-none-any.whl",
  "foo__bar-1.0-py3-none-any.whl",
  "-1.0-py3-none-any.whl",
  "foo--py3-none-any.whl",
  "foo-1.0-3-none-any.whl",
  "foo-1.0-py3..py2-none-any.whl",
  "foo-1.0-py3-none-any.WHL",
  "foo bar-1.0.tar.gz",
  "foo-1.0/.tar.gz",
  "foo.tar.gz",
  "foo-.tar.gz",
  "-1.0.tar.gz",
  "foo-1.0.tar.xz",
  "foo-1.0.tgz",
  "foo-1.0--plat.egg",
  "foo-1.0-python3.egg",
  "foo-1.0.exe",
  "foo-1.0.solaris-py2.7.exe",
  "foo-1\u0661.tar.gz",
];

for (const filename of refused) {
  test(`'${filename}' says nothing`, () => {
    assert.equal(parseFilename(filename), undefined);
  });
}

test("the suffix alone tells the kind, and the one that is looked at first wins", () => {
  const kinds = ["a/foo.whl", "foo.exe", "x.egg", "x.tar.bz2", "x.tar.gz", "x.zip", "x.tar", "zip"];
  assert.deepEqual(kinds.map(packageTypeOf), [
    "bdist_wheel",
    "bdist_wininst",
    "bdist_egg",
    "sdist",
    "sdist",
    "sdist",
    undefined,
    undefined,
  ]);
});

test("an unknown suffix is told as clients expect it", () => {
  assert.equal(
    extensionText("foo.rpm"),
    "Extension on foo.rpm is not a valid python extension (.whl, .exe, .egg, .tar.gz, .tar.bz2, .zip)",
  );
});

test("names of a hundred kilobytes are refused at once", () => {
  const long = 100_000;
  for (const stem of [".win-a".repeat(long / 6), "a-".repeat(long / 2), "a.".repeat(long / 2)]) {
    for (const suffix of [".whl", ".egg", ".exe", ".tar.gz"])
      assert.equal(parseFilename(`${stem}!${suffix}`), undefined);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  bareMetadata,
  type CoreMetadata,
  MAX_METADATA_BYTES,
  parseCoreMetadata,
} from "./core-metadata.ts";
import { Malformed } from "./malformed.ts";

const empty = bareMetadata("", "");
const read = (text: string): CoreMetadata => parseCoreMetadata(Buffer.from(text));

test("reads the metadata of a wheel", () => {
  const text = `Metadata-Version: 2.4
Name: shelf-reader
Version: 0.1
Summary: Make sure your collections are in call number order.
Home-page: https://example.com/shelf-reader
Author: Zoë
Author-email: zoe@example.com
License-Expression: MIT
Project-URL: Home, https://example.com/
Project-URL: Docs, https://example.com/docs
Keywords: books,shelves
Classifier: Programming Language :: Python :: 3
Classifier: Natural Language :: French (Français)
Requires-Python: >=3.9
Description-Content-Type: text/markdown
License-File: LICENSE
Requires-Dist: six>=1.0; python_version < "3"
Requires-Dist: pytest; extra == "test"
Provides-Extra: test
Provides-Extra: doc
Dynamic: license-file
Platform: any
Supported-Platform: linux

# Title

A “shelf”.
`;
  assert.deepEqual(read(text), {
    ...empty,
    metadata_version: "2.4",
    name: "shelf-reader",
    version: "0.1",
    summary: "Make sure your collections are in call number order.",
    home_page: "https://example.com/shelf-reader",
    author: "Zoë",
    author_email: "zoe@example.com",
    license_expression: "MIT",
    project_urls: '["Home, https://example.com/", "Docs, https://example.com/docs"]',
    keywords: "books,shelves",
    classifiers:
      '["Programming Language :: Python :: 3", "Natural Language :: French (Fran\\u00e7ais)"]',
    requires_python: ">=3.9",
    description_content_type: "text/markdown",
    license_file: '["LICENSE"]',
    requires_dist: '["six>=1.0; python_version < \\"3\\"", "pytest; extra == \\"test\\""]',
    provides_extras: '["test", "doc"]',
    dynamic: '["license-file"]',
    description: "# Title\n\nA “shelf”.\n",
  });
});

const EVERY = [
  "Download-URL: d",
  "Classifier: c",
  "Maintainer: m",
  "Requires-Dist: r",
  "Provides-Extra: p",
  "Description-Content-Type: t",
  "Dynamic: y",
  "License-Expression: e",
  "License-File: f",
].join("\n");

const oneOne = { ...empty, download_url: "d", classifiers: '["c"]' };
const oneTwo = { ...oneOne, maintainer: "m", requires_dist: '["r"]' };
const twoOne = { ...oneTwo, provides_extras: '["p"]', description_content_type: "t" };
const twoTwo = { ...twoOne, dynamic: '["y"]' };
const twoFour = { ...twoTwo, license_expression: "e", license_file: '["f"]' };

const byVersion: Readonly<Record<string, CoreMetadata>> = {
  "1.0": empty,
  "1.1": oneOne,
  "1.2": oneTwo,
  "2.0": oneTwo,
  "2.1": twoOne,
  "2.2": twoTwo,
  "2.3": twoTwo,
  "2.4": twoFour,
  "2.5": twoFour,
  "9.9": twoFour,
  "": twoFour,
};

for (const [version, expected] of Object.entries(byVersion)) {
  test(`metadata of version '${version}' have the headers of their time`, () => {
    assert.deepEqual(read(`Metadata-Version: ${version}\n${EVERY}`), {
      ...expected,
      metadata_version: version,
    });
  });
}

const details: Readonly<Record<string, readonly [text: string, expected: Partial<CoreMetadata>]>> =
  {
    "UNKNOWN is absent where there is one value": [
      "Summary: UNKNOWN\nClassifier: UNKNOWN\nAuthor: UNKNOWN.",
      { summary: "", classifiers: '["UNKNOWN"]', author: "UNKNOWN." },
    ],
    "other lines are joined by one space": [
      "Summary: a\r\n   b\n\tc\nRequires-Dist: x\n  (>1)",
      { summary: "a b c", requires_dist: '["x (>1)"]' },
    ],
    "a description keeps its lines": [
      "Description: a\n        b\n          c\n        \n  d\r\n        e\n",
      { description: "a\nb\n  c\n\n  d\ne" },
    ],
    "the body goes before the header": ["Description: header\n\nbody\n", { description: "body\n" }],
    "the first of several single values counts": ["Author: a\nAuthor: b", { author: "a" }],
    "the same name twice is no doubt": ["Name: a\nName: a", { name: "a" }],
    "what is no header is not looked at": ["X-Other: a\n__proto__: b", {}],
  };

for (const [name, [text, expected]] of Object.entries(details)) {
  test(name, () => {
    assert.deepEqual(read(text), { ...empty, ...expected });
  });
}

test("two names, versions or versions of the metadata are refused", () => {
  for (const header of ["Name", "version", "METADATA-VERSION"])
    assert.throws(() => read(`${header}: 1\n${header}: 2\n`), {
      name: "Malformed",
      message: `The metadata have the header ${header.toLowerCase()} twice, with different values.`,
    });
});

test("8 MiB are read, one byte more is not", () => {
  const text = Buffer.alloc(MAX_METADATA_BYTES, "Name: a\n\n");
  assert.equal(parseCoreMetadata(text).name, "a");
  assert.throws(() => parseCoreMetadata(Buffer.alloc(MAX_METADATA_BYTES + 1)), {
    name: "Malformed",
    message: "The metadata are larger than 8 MiB.",
  });
});

/** Of the largest size, made to cost as much as they can. */
const costly: Readonly<Record<string, string>> = {
  "a description of blanks": `Description: ${" ".repeat(8_000_000)}x`,
  "a description of line ends": `Description: x${"\n ".repeat(4_000_000)}`,
  "unknown headers of lines": `X: x${"\n ".repeat(4_000_000)}`,
  "one line": "x".repeat(8_000_000),
};

for (const [name, text] of Object.entries(costly)) {
  test(`reads ${name}`, () => {
    assert.equal(read(text).name, "");
  });
}

test("values of more than 1 MiB are refused", () => {
  assert.throws(() => read(`Summary: x${"\n ".repeat(600_000)}`), Malformed);
});

test("bytes of any kind are read into texts that columns can hold", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (junk) => {
      const bytes = Buffer.concat([Buffer.from("Name: a\nSummary: "), junk]);
      const values = Object.values(parseCoreMetadata(bytes));
      return values.every((value) => value.isWellFormed() && !value.includes("\0"));
    }),
  );
});

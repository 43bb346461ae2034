import assert from "node:assert/strict";
import { test } from "node:test";
import { type SimpleType, simpleType, takesGzip } from "#plugins/python/index/negotiate.ts";

const HTML = "text/html";
const HTML_V1 = "application/vnd.pypi.simple.v1+html";
const JSON_V1 = "application/vnd.pypi.simple.v1+json";

/** Every row of plugin-python §6.2. */
const ROWS: readonly (readonly [accept: string | undefined, expected: SimpleType])[] = [
  [undefined, HTML],
  ["", HTML],
  ["*/*", HTML],
  [HTML, HTML],
  ["application/json", HTML],
  ["image/png", HTML],
  ["__proto__, constructor", HTML],
  [",;,=;q", HTML],
  [HTML_V1, HTML_V1],
  [JSON_V1, JSON_V1],
  [JSON_V1.toUpperCase(), JSON_V1],
  // pip
  [`${JSON_V1}, ${HTML_V1}; q=0.1, ${HTML}; q=0.01`, JSON_V1],
  // uv
  [`${JSON_V1}, ${HTML_V1};q=0.2, ${HTML};q=0.01`, JSON_V1],
  [`${HTML}, ${JSON_V1}`, JSON_V1],
  [`${HTML}, ${JSON_V1};q=0.9`, HTML],
  [`${HTML_V1}, ${JSON_V1};q=0.9`, HTML_V1],
  [`${HTML};q=0.5, ${HTML_V1};q=0.6`, HTML_V1],
  [`${HTML};q=0.6, ${HTML_V1};q=0.6`, HTML],
  [`${JSON_V1};q=0`, HTML],
  [`${JSON_V1};q=abc, */*`, HTML],
  [`${JSON_V1};q=0.1, */*;q=1`, JSON_V1],
  ["application/vnd.pypi.simple.latest+json", JSON_V1],
  ["application/vnd.pypi.simple.latest+html", HTML_V1],
  ["application/vnd.pypi.simple.v2+json", HTML],
];

test("a simple page has the form that the client wants most, and is never refused", () => {
  for (const [accept, expected] of ROWS) assert.equal(simpleType(accept, null), expected, accept);
});

test("?format= wins over the header, a wrong one says nothing", () => {
  assert.equal(simpleType(HTML, "json"), JSON_V1);
  assert.equal(simpleType(JSON_V1, "html"), HTML);
  assert.equal(simpleType(JSON_V1, "xml"), JSON_V1);
});

test("gzip goes to those who take it", () => {
  const cases: readonly (readonly [string | undefined, boolean])[] = [
    [undefined, false],
    ["", false],
    ["gzip", true],
    ["deflate, GZip;q=0.5", true],
    ["gzip;q=0", false],
    ["br, identity", false],
    ["*", false],
  ];
  for (const [header, expected] of cases) assert.equal(takesGzip(header), expected, header);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { IndexFile, ListedProject } from "./index-file.ts";
import { Malformed } from "./malformed.ts";
import { NO_FACTS } from "./project-facts.ts";
import { readProjectList, readProjectPage } from "./simple-page.ts";

const JSON_TYPE = "application/vnd.pypi.simple.v1+json";
const URL_OF_PAGE = "https://index.example/up/simple/shelf-reader/";
const HEX = "ab".repeat(32);

interface Given {
  readonly type?: string;
  readonly pieces?: number;
  readonly maxBytes?: number;
}

function source(body: string | Buffer, { type, pieces = 7, maxBytes = 1 << 26 }: Given = {}) {
  const bytes = Buffer.from(body);
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += pieces) yield bytes.subarray(at, at + pieces);
  }
  return { body: chunks(), contentType: type, url: URL_OF_PAGE, maxBytes };
}

const plain: IndexFile = {
  filename: "shelf_reader-0.1-py2-none-any.whl",
  url: "https://index.example/up/files/shelf_reader-0.1-py2-none-any.whl",
  hashes: {},
  requiresPython: null,
  coreMetadata: false,
  yanked: null,
  size: null,
  uploadTime: null,
  provenance: null,
};
const HREF = "../../files/shelf_reader-0.1-py2-none-any.whl";

const jsonFiles: readonly (readonly [string, object, Partial<IndexFile> | undefined])[] = [
  ["a bare file", {}, {}],
  [
    "digests, others left out",
    { hashes: { sha256: HEX.toUpperCase(), md5: "zz", x: HEX } },
    { hashes: { sha256: HEX } },
  ],
  ["requires-python", { "requires-python": ">=3.8" }, { requiresPython: ">=3.8" }],
  [
    "core-metadata with a digest",
    { "core-metadata": { sha256: HEX } },
    { coreMetadata: { sha256: HEX } },
  ],
  ["core-metadata true", { "core-metadata": true }, { coreMetadata: true }],
  [
    "the older name of core-metadata",
    { "data-dist-info-metadata": { sha256: HEX } },
    { coreMetadata: { sha256: HEX } },
  ],
  [
    "core-metadata false beside the older name",
    { "core-metadata": false, "data-dist-info-metadata": true },
    {},
  ],
  ["yanked true", { yanked: true }, { yanked: "" }],
  ["yanked false", { yanked: false }, {}],
  ["a reason", { yanked: 'broken "<b>"' }, { yanked: 'broken "<b>"' }],
  [
    "size and time",
    { size: 12, "upload-time": "2024-01-02T03:04:05.123456Z" },
    { size: 12, uploadTime: "2024-01-02T03:04:05.123456Z" },
  ],
  ["a size that is none", { size: -1 }, {}],
  ["a size too large for a number", { size: 1e300 }, {}],
  ["a time that is none", { "upload-time": "yesterday-ish" }, {}],
  ["provenance", { provenance: "/p/1" }, { provenance: "https://index.example/p/1" }],
  [
    "an address of another host",
    { url: "https://cdn.example/x.whl?sig=1" },
    { url: "https://cdn.example/x.whl?sig=1" },
  ],
  [
    "an address with credentials",
    { url: "https://me:pw@cdn.example/x.whl" },
    { url: "https://cdn.example/x.whl" },
  ],
  ["a data: address", { url: "data:text/plain,x" }, undefined],
  ["a file: address", { url: "file:///etc/passwd" }, undefined],
  ["no address", { url: null }, undefined],
  ["a name with a slash", { filename: "../x.whl" }, undefined],
  ["a name with a line break", { filename: "x\n.whl" }, undefined],
  ["a name that is a list", { filename: ["x"] }, undefined],
  ["keys of the prototype", JSON.parse('{"__proto__": {"yanked": true}}'), {}],
];

for (const [name, given, expected] of jsonFiles) {
  test(`JSON: ${name}`, async () => {
    const item = { filename: plain.filename, url: HREF, ...given };
    const page = {
      meta: { "api-version": "1.4", "_last-serial": 7 },
      name: "Shelf.Reader",
      versions: ["0.1"],
      files: [item],
    };

    const read = await readProjectPage(source(JSON.stringify(page, null, 1), { type: JSON_TYPE }));

    const files = expected === undefined ? [] : [{ ...plain, ...expected }];
    assert.deepEqual(read, { name: "Shelf.Reader", lastSerial: 7, facts: NO_FACTS, files });
  });
}

const anchor = (attributes: string, href = HREF) =>
  `<A  HREF="${href}" ${attributes}>text</a><br/>`;
const htmlFiles: readonly (readonly [string, string, Partial<IndexFile> | undefined])[] = [
  ["a bare file", anchor(""), {}],
  ["a digest", anchor("", `${HREF}#sha256=${HEX}&egg=x`), { hashes: { sha256: HEX } }],
  [
    "an older digest",
    anchor("", `${HREF}#md5=${"0".repeat(32)}`),
    { hashes: { md5: "0".repeat(32) } },
  ],
  [
    "requires-python, escaped",
    anchor('data-requires-python="&gt;=3.8"'),
    { requiresPython: ">=3.8" },
  ],
  ["requires-python, unquoted", anchor("data-requires-python=3.9"), { requiresPython: "3.9" }],
  ["yanked", anchor("data-yanked"), { yanked: "" }],
  ["a reason", anchor('data-yanked="bad &amp; &quot;old&quot;"'), { yanked: 'bad & "old"' }],
  [
    "core metadata",
    anchor(`data-core-metadata="sha256=${HEX}"`),
    { coreMetadata: { sha256: HEX } },
  ],
  [
    "core metadata without a digest",
    anchor('data-dist-info-metadata="true"'),
    { coreMetadata: true },
  ],
  ["provenance", anchor('data-provenance="/p/1"'), { provenance: "https://index.example/p/1" }],
  [
    "an encoded name",
    anchor("", "../../files/a%20b-1.tar.gz"),
    { filename: "a b-1.tar.gz", url: "https://index.example/up/files/a%20b-1.tar.gz" },
  ],
  [
    "an address of another host",
    anchor("", "//cdn.example/x-1.zip"),
    { filename: "x-1.zip", url: "https://cdn.example/x-1.zip" },
  ],
  [
    "a base address",
    `<base href="https://cdn.example/a/">${anchor("", "x-1.zip")}`,
    { filename: "x-1.zip", url: "https://cdn.example/a/x-1.zip" },
  ],
  [
    "an entity in the address",
    anchor("", "https://cdn.example/x-1.zip?a=1&amp;b=2"),
    { filename: "x-1.zip", url: "https://cdn.example/x-1.zip?a=1&b=2" },
  ],
  ["a link that never ends", `<a href="${HREF}">text`, {}],
  ["a data: link", anchor("", "data:text/html,x"), undefined],
  ["a script link", anchor("", "javascript:alert(1)"), undefined],
  ["no address", "<a name=top>x</a>", undefined],
  ["a name that climbs", anchor("", "https://cdn.example/..%2f..%2fetc%2fpasswd"), undefined],
  ["a name that does not decode", anchor("", "https://cdn.example/%ff%fe"), undefined],
  ["a folder", anchor("", "../"), undefined],
  ["a link inside a comment", `<!-- ${anchor("")} -->`, undefined],
  ["a link inside a script", `<script>"${anchor("").replace("</a>", "")}"</script>`, undefined],
];

for (const [name, given, expected] of htmlFiles) {
  test(`HTML: ${name}`, async () => {
    const read = await readProjectPage(
      source(`<!DOCTYPE html><html><body>${given}`, { type: "text/html" }),
    );

    const files = expected === undefined ? [] : [{ ...plain, ...expected }];
    assert.deepEqual(read, { name: null, lastSerial: null, facts: NO_FACTS, files });
  });
}

test("what an index says of a project is read from both forms", async () => {
  const [other, third] = ["https://a.test/simple/x/", "http://b.test/x/"];
  const json = {
    meta: { "api-version": "1.4", tracks: [other] },
    files: [],
    "project-status": { status: "archived" },
    "alternate-locations": [other, third],
  };
  const html = `<meta name="pypi:project-status" content="archived">
<meta name="pypi:tracks" content="${other}">
<meta name="pypi:alternate-locations" content="${other}">
<meta name="pypi:alternate-locations" content="${third}">`;

  const pages = [
    await readProjectPage(source(JSON.stringify(json), { type: JSON_TYPE })),
    await readProjectPage(source(html, { type: "text/html" })),
  ];

  const facts = { status: "archived", tracks: [other], alternateLocations: [other, third] };
  assert.deepEqual(
    pages.map((page) => page.facts),
    [facts, facts],
  );
});

const addresses: readonly (readonly [string, unknown])[] = [
  ["no list", "https://a.test/"],
  ["no text", [7, null, {}]],
  ["another scheme", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd"]],
  ["no host", ["https:///x", "/simple/x/", "x"]],
  ["too long", [`https://a.test/${"x".repeat(2048)}`]],
];
for (const [what, value] of addresses) {
  test(`addresses of other indexes: ${what}`, async () => {
    const json = { meta: { tracks: value }, files: [], "alternate-locations": value };

    const { facts } = await readProjectPage(source(JSON.stringify(json), { type: JSON_TYPE }));

    assert.deepEqual(facts, NO_FACTS);
  });
}

test("an upstream cannot send clients to any number of other indexes", async () => {
  const tracks = Array.from({ length: 50 }, (_, at) => `https://a.test/${at}/`);
  const json = { meta: { tracks: [...tracks, ...tracks] }, files: [] };

  const { facts } = await readProjectPage(source(JSON.stringify(json), { type: JSON_TYPE }));

  assert.deepEqual(facts.tracks, tracks.slice(0, 20));
});

const charsets: readonly (readonly [string, string, Buffer])[] = [
  [
    "the header",
    "text/html; charset=ISO-8859-1",
    Buffer.from('<a href="x-1.zip" data-yanked="\xe9">', "latin1"),
  ],
  [
    "the page",
    "text/html",
    Buffer.from('<meta charset="iso-8859-1"><a href="x-1.zip" data-yanked="\xe9">', "latin1"),
  ],
  ["nothing", "text/html", Buffer.from('<a href="x-1.zip" data-yanked="é">')],
  [
    "a byte order mark",
    "",
    Buffer.from('\ufeff{"files":[{"filename":"x-1.zip","url":"x-1.zip","yanked":"\\u00e9"}]}'),
  ],
  [
    "a name that nobody knows",
    "text/html; charset=klingon",
    Buffer.from('<a href="x-1.zip" data-yanked="é">'),
  ],
];

for (const [name, type, body] of charsets) {
  test(`the encoding is told by ${name}`, async () => {
    const { files } = await readProjectPage(source(body, { type, pieces: 1000 }));
    assert.equal(files[0]?.yanked, "é");
  });
}

const deep = "[".repeat(10_000);
const malformed: readonly (readonly [string, string, string, RegExp])[] = [
  ["an empty page", "text/html", "", /empty/],
  ["JSON cut short", JSON_TYPE, '{"files": [{"filename": "x', /ends too early/],
  ["JSON cut between entries", JSON_TYPE, '{"files": [{"filename": "x"}', /ends too early/],
  ["JSON that is a list", JSON_TYPE, "[1]", /no JSON object/],
  ["JSON that is a text", JSON_TYPE, '"x"', /no JSON object/],
  ["HTML called JSON", JSON_TYPE, '<a href="x">', /no JSON object/],
  ["JSON without sense", JSON_TYPE, '{"files": [{"filename": x}]}', /broken near/],
  ["two JSON texts", JSON_TYPE, '{"files": []} {"files": []}', /follows/],
  ["words after the JSON", JSON_TYPE, '{"files": []} oops', /follows/],
  ["brackets that do not agree", JSON_TYPE, '{"files": []]', /do not agree/],
  ["entries that are texts", JSON_TYPE, '{"files": ["x"]}', /no object/],
  ["depth", JSON_TYPE, `{"x": ${deep}`, /nested/],
  ["a key that is none", JSON_TYPE, '{1: 2, "files": []}', /key/],
  ["a future version", JSON_TYPE, '{"meta": {"api-version": "2.0"}, "files": []}', /"2.0", not 1/],
  [
    "a future version in HTML",
    "text/html",
    '<meta name="pypi:repository-version" content="2.0">',
    /"2.0", not 1/,
  ],
  ["an endless text", JSON_TYPE, `{"name": "${"x".repeat(5_000_000)}`, /too long/],
  ["an endless tag", "text/html", `<a href="${"x".repeat(9_000_000)}`, /too long/],
];

for (const [name, type, body, text] of malformed) {
  test(`junk is one error that says why: ${name}`, async () => {
    const reading = readProjectPage(source(body, { type, pieces: 65_536 }));
    await assert.rejects(
      reading,
      (error) => error instanceof Malformed && text.test(error.message),
    );
  });
}

test("a page beyond the cap is refused", async () => {
  const body = `{"files": [${"{},".repeat(100)}{}]}`;
  const reading = readProjectPage(source(body, { type: JSON_TYPE, maxBytes: 200 }));
  await assert.rejects(reading, /more than 200 bytes/);
});

test("every way of cutting a page gives the same", async () => {
  const item = { filename: 'a\\"b-1.zip', url: "x\\u0041.zip", yanked: 'a "quoted" \\ {[,:]} é' };
  const body = JSON.stringify({ meta: {}, note: [{ files: [1] }], files: [item, item], name: "a" });
  const whole = await readProjectPage(source(body, { type: JSON_TYPE, pieces: 10_000 }));

  for (let pieces = 1; pieces < 40; pieces += 1)
    assert.deepEqual(await readProjectPage(source(body, { type: JSON_TYPE, pieces })), whole);
  assert.equal(whole.name, "a");
});

async function listOf(body: string, type: string): Promise<ListedProject[]> {
  const projects: ListedProject[] = [];
  for await (const some of readProjectList(source(body, { type }))) projects.push(...some);
  return projects;
}

test("the list of projects is read from JSON", async () => {
  const projects = [{ name: "Django", "_last-serial": 5 }, { name: "b" }, { name: 3 }];
  const body = JSON.stringify({ meta: { "api-version": "1.0" }, projects });
  assert.deepEqual(await listOf(body, JSON_TYPE), [
    { name: "Django", lastSerial: 5 },
    { name: "b", lastSerial: null },
  ]);
});

test("the list of projects is read from HTML, by text or by address", async () => {
  const body = '<a href="django/">Django</a><a href="/simple/b/"></a><a href="c/">c/</a><a>x</a>';
  const names = (await listOf(body, "text/html")).map(({ name }) => name);
  assert.deepEqual(names, ["Django", "b", "c"]);
});

test("a list of a hundred thousand projects is handed on piece by piece", async () => {
  let given = 0;
  async function* body() {
    yield Buffer.from('{"projects": [{"name": "first"}');
    for (let index = 0; index < 1000; index += 1) {
      given = index;
      yield Buffer.from(
        Array.from({ length: 100 }, (_, n) => `,{"name": "p${index}-${n}"}`).join(""),
      );
    }
    yield Buffer.from("]}");
  }
  const page = { body: body(), contentType: JSON_TYPE, url: URL_OF_PAGE, maxBytes: 1 << 26 };
  let seen = 0;
  for await (const some of readProjectList(page)) {
    seen += some.length;
    assert.ok(seen >= given * 100, `${seen} of ${given * 100}`);
  }
  assert.equal(seen, 100_001);
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { evaluate, httpDate, rangeApplies } from "#base/conditional.ts";
import { wantsJson } from "#delivery/accept.ts";
import { checkpointMoment } from "#delivery/checkpoint-moment.ts";
import { contentType, knownExtensions } from "#delivery/content-types.ts";
import { listingDate, listingHead, listingLine, listingSize } from "#delivery/listing-html.ts";
import { listingJson, listingPage } from "#delivery/listing-json.ts";
import { parseRange } from "#delivery/range.ts";
import { parseRequestPath } from "#delivery/request-path.ts";
import { endToEndHeaders } from "#delivery/upstream-headers.ts";
import { Warmth } from "#delivery/warmth.ts";

describe("ranges", () => {
  const cases: readonly [header: string, size: number, expected: [number, number] | undefined][] = [
    ["bytes=0-0", 10, [0, 0]],
    ["bytes=2-5", 10, [2, 5]],
    ["bytes=2-", 10, [2, 9]],
    ["bytes=-3", 10, [7, 9]],
    ["bytes=-30", 10, [0, 9]],
    ["bytes=5-99999999999999999999", 10, [5, 9]],
    ["bytes=9-9", 10, [9, 9]],
    ["bytes=10-", 10, undefined],
    ["bytes=10-12", 10, undefined],
    ["bytes=5-2", 10, undefined],
    ["bytes=-0", 10, undefined],
    ["bytes=-", 10, undefined],
    ["bytes=", 10, undefined],
    ["bytes=0-1,3-4", 10, undefined],
    ["bytes= 0-1", 10, undefined],
    ["items=0-1", 10, undefined],
    ["bytes=a-b", 10, undefined],
    ["bytes=0x1-2", 10, undefined],
    ["bytes=0-0", 0, undefined],
    ["bytes=-1", 0, undefined],
  ];
  for (const [header, size, expected] of cases) {
    test(`${header} of ${size}`, () => {
      const range = parseRange(header, size);
      assert.deepEqual(range && [range.start, range.end], expected);
    });
  }

  test("a range always lies within the file", () => {
    const offset = fc.option(fc.nat(30), { nil: "" as const });
    fc.assert(
      fc.property(offset, offset, fc.nat(20), (first, last, size) => {
        const range = parseRange(`bytes=${first}-${last}`, size);
        assert.ok(!range || (range.start >= 0 && range.start <= range.end && range.end < size));
      }),
    );
  });
});

describe("conditions", () => {
  const etag = '"abc"';
  const at = Date.UTC(2026, 7, 12, 9, 30, 0);
  const date = new Date(at).toUTCString();
  const later = new Date(at + 1000).toUTCString();
  const earlier = new Date(at - 1000).toUTCString();
  const both = { etag, lastModifiedMs: at };
  const cases: readonly [string, Record<string, string>, object, number][] = [
    ["nothing", {}, both, 200],
    ["same tag", { "if-none-match": '"abc"' }, both, 304],
    ["weak form of it", { "if-none-match": 'W/"abc"' }, both, 304],
    ["one of several", { "if-none-match": '"x", "abc"' }, both, 304],
    ["star", { "if-none-match": "*" }, both, 304],
    ["other tag", { "if-none-match": '"x"' }, both, 200],
    ["tag before date", { "if-none-match": '"x"', "if-modified-since": later }, both, 200],
    ["same date", { "if-modified-since": date }, both, 304],
    ["later date", { "if-modified-since": later }, both, 304],
    ["earlier date", { "if-modified-since": earlier }, both, 200],
    ["no date known", { "if-modified-since": later }, { etag }, 200],
    ["no date at all", { "if-modified-since": "yesterday" }, both, 200],
    ["a number", { "if-modified-since": "99999999999" }, both, 200],
    ["must match and does", { "if-match": '"abc"' }, both, 200],
    ["must match and does not", { "if-match": '"x"' }, both, 412],
    ["a weak tag never matches strongly", { "if-match": 'W/"abc"' }, both, 412],
    ["unmodified since", { "if-unmodified-since": date }, both, 200],
    ["modified since", { "if-unmodified-since": earlier }, both, 412],
  ];
  for (const [name, headers, validators, expected] of cases)
    test(name, () => assert.equal(evaluate(headers, validators), expected));

  test("If-Range needs the strong tag or the exact date", () => {
    assert.equal(rangeApplies({}, both), true);
    assert.equal(rangeApplies({ "if-range": etag }, both), true);
    assert.equal(rangeApplies({ "if-range": date }, both), true);
    for (const value of ['"x"', 'W/"abc"', later, "junk"])
      assert.equal(rangeApplies({ "if-range": value }, both), false, value);
  });

  test("the three forms of a date", () => {
    const ms = Date.UTC(1994, 10, 6, 8, 49, 37);
    for (const text of [
      "Sun, 06 Nov 1994 08:49:37 GMT",
      "Sunday, 06-Nov-94 08:49:37 GMT",
      "Sun Nov  6 08:49:37 1994",
    ])
      assert.equal(httpDate(text), ms, text);
    assert.equal(httpDate("1994-11-06"), undefined);
  });
});

describe("Accept", () => {
  const cases: readonly [string | undefined, boolean][] = [
    [undefined, false],
    ["*/*", false],
    ["text/html", false],
    ["application/json", true],
    ["application/vnd.pypi.simple.v1+json", true],
    ["text/html, application/json", false],
    ["text/html;q=0.9, application/json", true],
    ["application/json;q=0.5, text/html;q=0.4", true],
    ["application/json;q=0", false],
    ["application/json;q=-1", false],
    ["application/json;q=nonsense", true],
    ["*/*;q=0.1, application/json;q=0.2", true],
  ];
  for (const [accept, expected] of cases)
    test(String(accept), () => assert.equal(wantsJson(accept), expected));
});

describe("content types", () => {
  const cases = {
    "a.iso": "application/octet-stream",
    "a.rpm": "application/octet-stream",
    "a.tgz": "application/octet-stream",
    "a.yaml": "application/octet-stream",
    PULP_MANIFEST: "application/octet-stream",
    ".html": "application/octet-stream",
    "a.b/c": "application/octet-stream",
    "a.TAR.GZ": "application/gzip",
    "x/a.html": "text/html",
    "a.json": "application/json",
    "a.xml": "text/xml",
    "a.xsl": "application/xml",
    "a.whl.txt": "text/plain",
    "a.ts": "video/mp2t",
    "a.zst": "application/zstd",
    "a.jar": "application/java-archive",
  };
  for (const [path, expected] of Object.entries(cases))
    test(path, () => assert.equal(contentType(path), expected));

  test("184 extensions are known", () => assert.equal(knownExtensions().length, 184));
});

describe("request paths", () => {
  const rules = { prefix: "/pulp/content/", hasDomains: false };
  const of = (path: string, hasDomains = false) => {
    const parsed = parseRequestPath(path, { ...rules, hasDomains });
    if (typeof parsed !== "object") return parsed;
    return [parsed.domain, parsed.path, parsed.isDirectory];
  };
  const cases: readonly [string, ReturnType<typeof of>][] = [
    ["/pulp/content/", [undefined, "", true]],
    ["/pulp/content", [undefined, "", false]],
    ["/pulp/content/a/b", [undefined, "a/b", false]],
    ["/pulp/content/a/b/", [undefined, "a/b", true]],
    ["/pulp/content/a%20b/%C3%A9", [undefined, "a b/é", false]],
    ["/pulp/content/a%2Fb", [undefined, "a/b", false]],
    ["/pulp/content/a%252eb", [undefined, "a%2eb", false]],
    ["/pulp/content/..%5cb", [undefined, "..\\b", false]],
    ["/pulp/content/a...b", [undefined, "a...b", false]],
    ["/pulp/other", undefined],
    ["/", undefined],
    ["/pulp/content//a", undefined],
    ["/pulp/content/a//b", undefined],
    ["/pulp/content/../etc", undefined],
    ["/pulp/content/a/..", undefined],
    ["/pulp/content/./a", undefined],
    ["/pulp/content/a/.", undefined],
    ["/pulp/content/a/./b", undefined],
    ["/pulp/content/%2e%2e%2fetc", undefined],
    ["/pulp/content/%2F%2F..%2Fetc", undefined],
    [`/pulp/content/${"a/".repeat(10_000)}b`, undefined],
    [`/pulp/content/${"a".repeat(4098)}`, undefined],
    ["/pulp/content/%00", "malformed"],
    ["/pulp/content/a%0ab", "malformed"],
    ["/pulp/content/%7f", "malformed"],
    ["/pulp/content/%ff", "malformed"],
    ["/pulp/content/%c0%ae", "malformed"],
    ["/pulp/content/%ed%a0%80", "malformed"],
    ["/pulp/content/%", "malformed"],
    ["/pulp/content/%zz", "malformed"],
    ["/pulp/content/\u00e9", "malformed"],
    ["http://host/pulp/content/a", "malformed"],
    ["*", "malformed"],
    ["", "malformed"],
  ];
  for (const [path, expected] of cases)
    test(path.slice(0, 60), () => assert.deepEqual(of(path), expected));

  test("with domains the first segment is the domain", () => {
    assert.equal(of("/pulp/content/", true), undefined);
    assert.equal(of("/pulp/content", true), undefined);
    assert.deepEqual(of("/pulp/content/d", true), ["d", "", false]);
    assert.deepEqual(of("/pulp/content/d/", true), ["d", "", true]);
    assert.deepEqual(of("/pulp/content/d/a/b/", true), ["d", "a/b", true]);
  });

  test("no path escapes", () => {
    const piece = fc.constantFrom("..", ".", "/", "%2e", "%2f", "a", "%5c", "%00", "%c3%a9");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const parsed = parseRequestPath(`/pulp/content/${pieces.join("")}`, rules);
        if (typeof parsed !== "object") return;
        const segments = parsed.path.split("/");
        assert.ok(segments.every((segment) => segment !== ".." && segment !== "."));
        assert.ok(!parsed.path.startsWith("/") && !parsed.path.endsWith("/"));
      }),
    );
  });
});

test("guards are told the path with its domain", () => {
  for (const hasDomains of [false, true]) {
    const parsed = parseRequestPath("/pulp/content/d/%61/b/", {
      prefix: "/pulp/content/",
      hasDomains,
    });
    assert.equal(typeof parsed === "object" && parsed.fullPath, "d/a/b");
  }
});

describe("checkpoint moments", () => {
  const now = Date.UTC(2026, 7, 12, 9, 30, 0);
  const cases: readonly [string, [string, string] | undefined][] = [
    ["20260812T093000Z/a/b", ["2026-08-12T09:30:01.000Z", "a/b"]],
    ["20260812T093000Z", ["2026-08-12T09:30:01.000Z", ""]],
    ["20260812T093001Z", undefined],
    ["20260230T000000Z", undefined],
    ["20260812T093060Z", undefined],
    ["20260812T093000Zx", undefined],
    ["2026-08-12", undefined],
    ["", undefined],
  ];
  for (const [path, expected] of cases) {
    test(path, () => {
      const moment = checkpointMoment(path, now);
      assert.deepEqual(moment && [moment.before, moment.rest], expected);
    });
  }
});

describe("listings", () => {
  test("sizes are decimal", () => {
    const sizes = [0, 1, 12, 999, 1000, 3_400_000, 1_200_000_000, 5e15, 2e19];
    assert.deepEqual(sizes.map(listingSize), [
      ...["0 Bytes", "1 Byte", "12 Bytes", "999 Bytes", "1.0 kB", "3.4 MB", "1.2 GB"],
      ...["5.0 PB", "20000.0 PB"],
    ]);
  });

  test("dates are short", () =>
    assert.equal(listingDate("2026-08-02T09:05:00.123456Z"), "02-Aug-2026 09:05"));

  test("a line is link, padding, date, size", () => {
    const at = "2026-08-02T09:05:00.123456Z";
    assert.equal(
      listingLine({ name: "a.iso", at, sizeBytes: 12 }),
      `<a href="./a.iso">a.iso</a>${" ".repeat(95)}02-Aug-2026 09:05  12 Bytes\n`,
    );
    assert.equal(
      listingLine({ name: "n:ot/", at: null, sizeBytes: null }),
      `<a href="./n:ot/">n:ot/</a>${" ".repeat(95)}  \n`,
    );
    const long = "x".repeat(120);
    assert.ok(listingLine({ name: long, at, sizeBytes: 0 }).includes(`${long}</a>02-Aug`));
    assert.ok(
      listingLine({ name: `<&'">?#%`, at, sizeBytes: 0 }).startsWith(
        '<a href="./&lt;&amp;&#39;&#34;&gt;%3F%23%25">&lt;&amp;&#39;&#34;&gt;?#%</a>',
      ),
    );
  });

  test("the head begins with a newline and has no parent at the root", () => {
    assert.equal(
      listingHead("/a&b/", false),
      '\n<html>\n<head><title>Index of /a&amp;b/</title></head>\n<body bgcolor="white">\n' +
        '<h1>Index of /a&amp;b/</h1>\n<hr><pre><a href="../">../</a>\n',
    );
    assert.ok(listingHead("/", true).endsWith("<hr><pre>"));
  });

  test("pages of a flat listing", () => {
    const page = (query: string) => Object.values(listingPage(new URLSearchParams(query)));
    assert.deepEqual(page(""), [1000, 0]);
    assert.deepEqual(page("limit=5&offset=7"), [5, 7]);
    assert.deepEqual(page("limit=0&offset=-7"), [1, 0]);
    assert.deepEqual(page("limit=99999&offset=x"), [10_000, 0]);
    assert.deepEqual(page("limit=1e3&offset=99999999999999999999"), [1000, 0]);
    const entry = { name: "a", at: "2026-08-02T09:05:00.000000Z", sizeBytes: null };
    assert.deepEqual(
      JSON.parse(listingJson("/p/", { limit: 1, offset: 0 }, { count: 2, entries: [entry] })),
      {
        path: "/p/",
        packages: [{ path: "a", size: null, date: "2026-08-02T09:05:00+00:00" }],
        ...{ count: 2, limit: 1, offset: 0, next_offset: 1 },
      },
    );
  });
});

test("an upstream cannot speak for us", () => {
  const passed = endToEndHeaders({
    "content-type": "text/plain",
    "x-custom": "yes",
    "set-cookie": "a=b",
    "transfer-encoding": "chunked",
    "cache-control": 'private=""',
    "content-disposition": "attachment; filename=../../x",
    "access-control-allow-origin": "*",
    "x-long": "x".repeat(2000),
    "x-odd": "a\u0007b",
    etag: '"theirs"',
  });
  assert.deepEqual(passed, { "Content-Type": "text/plain", "X-Custom": "yes" });
});

describe("warm files", () => {
  const MIB = 1_048_576;
  function warmth() {
    const disk = { blocks: 7 };
    const file = new Warmth({ blocksRead: () => disk.blocks });
    const read = (from: number, ms = 1) => {
      for (let piece = 0; piece < 4; piece += 1) file.note(MIB, from, from + ms);
    };
    return { disk, file, read };
  }

  test("two windows without the disk prove it, for a while", () => {
    const { file, read } = warmth();
    read(0);
    assert.equal(file.isWarm(2), false);
    read(2);
    assert.equal(file.isWarm(3), true);
    assert.equal(file.isWarm(40_000), false);
  });

  test("a window with the disk ends it", () => {
    const { disk, file, read } = warmth();
    read(0);
    read(2);
    disk.blocks += 1;
    read(4);
    assert.equal(file.isWarm(6), false);
    read(6);
    assert.equal(file.isWarm(8), true);
  });

  test("a piece that stalls ends it for a minute", () => {
    const { file, read } = warmth();
    read(0);
    read(2);
    read(4, 100);
    read(200);
    assert.equal(file.isWarm(300), false);
    read(70_000);
    assert.equal(file.isWarm(70_002), true);
  });
});

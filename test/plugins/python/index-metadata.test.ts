import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "#base/digests.ts";
import { createIndex, type FileSpec } from "./index-world.ts";

const file = (version: string, more: Readonly<Record<string, unknown>> = {}): FileSpec => ({
  ...{ filename: `Shelf_Reader-${version}.tar.gz`, name: "Shelf.Reader", version, size: 7 },
  more: {
    ...{ summary: `of ${version}`, classifiers: "[]", requires_dist: "[]", project_urls: "{}" },
    ...{ project_url: "", python_version: "source", license_file: "[]" },
    ...more,
  },
});

const NEWEST = file("1.10", {
  classifiers: '["A :: B"]',
  requires_dist: '["x>=1"]',
  project_urls: '["Home, https://h.example/?a,b", "Docs, https://d.example/"]',
  project_url: "https://p.example/shelf/",
});

test("the metadata of a project are those of its newest final release", async (t) => {
  const index = await createIndex(t);
  await index.add(file("1.9"), NEWEST, file("2.0rc1"));
  await index.yank("shelf-reader", "1.9", "bad");

  const { status, headers, body, text } = await index.get("pypi/SHELF_reader/json/");
  assert.equal(status, 200, text);
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers["x-pypi-last-serial"], "1000000000");
  const { description: _, ...info } = body.info;
  assert.deepEqual(info, {
    ...{ name: "Shelf.Reader", version: "1.10", summary: "of 1.10", keywords: "" },
    ...{ description_content_type: "", download_url: "", home_page: "", author: "" },
    ...{ author_email: "", maintainer: "", maintainer_email: "", license: "" },
    ...{ license_expression: "", platform: "", bugtrack_url: null, docs_url: null },
    downloads: { last_day: -1, last_month: -1, last_week: -1 },
    ...{ requires_python: null, yanked: false, yanked_reason: null, license_file: null },
    ...{ dynamic: [], provides_extras: [], requires_dist: ["x>=1"], classifiers: ["A :: B"] },
    project_url: "https://p.example/shelf/",
    package_url: "https://p.example/shelf/",
    release_url: "https://p.example/shelf/1.10/",
    project_urls: { Home: "https://h.example/?a,b", Docs: "https://d.example/" },
  });
  assert.deepEqual(Object.keys(body.releases), ["1.9", "1.10", "2.0rc1"]);
  assert.deepEqual([body.last_serial, body.vulnerabilities], [0, []]);
  const [url] = body.urls;
  const { upload_time: time, upload_time_iso_8601: iso, ...rest } = url;
  assert.match(time, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00:00$/);
  assert.equal(iso, time.replace(" ", "T"));
  const digest = sha256(NEWEST.filename).toString("hex");
  assert.deepEqual(rest, {
    ...{ comment_text: "", digests: { md5: "", sha256: digest }, downloads: -1 },
    ...{ filename: NEWEST.filename, has_sig: false, md5_digest: "", packagetype: "sdist" },
    ...{ python_version: "source", requires_python: null, size: 7 },
    url: `https://files.example/pulp/content/team/index/${NEWEST.filename}`,
    ...{ yanked: false, yanked_reason: null },
  });
  const [old] = body.releases["1.9"];
  assert.deepEqual([old.yanked, old.yanked_reason], [true, "bad"]);
});

/** Path below `pypi/` → version that is described, or the status. */
const PATHS: readonly (readonly [path: string, version: string | number])[] = [
  ["shelf-reader/1.9/json/", "1.9"],
  ["shelf-reader/1.9.0/json", "1.9"],
  ["shelf-reader/v2.0.rc.1/json", "2.0rc1"],
  ["shelf-reader/junk/json/", "junk"],
  ["shelf-reader/other-junk/json/", 404],
  ["shelf-reader/3.0/json/", 404],
  ["none/json/", 404],
  ["shelf-reader/", 404],
  ["shelf-reader/1.9/xml/", 404],
];

test("a version is found under any spelling of it, and nothing else instead", async (t) => {
  const index = await createIndex(t);
  await index.add(file("1.9"), file("2.0rc1"), file("junk"));
  for (const [path, version] of PATHS) {
    const { status, body, text } = await index.get(`pypi/${path}`);
    assert.deepEqual(status === 200 ? body.info.version : status, version, path);
    if (status === 404) assert.equal(text, "", path);
  }
});

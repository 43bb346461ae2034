import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { sha256 } from "#base/digests.ts";
import { createIndex, type FileSpec } from "./index-world.ts";
import { made, PUBLICATIONS } from "./support.ts";

const JSON_TYPE = "application/vnd.pypi.simple.v1+json";
const json = { headers: { accept: JSON_TYPE } };
const FILES = "https://files.example/pulp/content/team/index/";

const WHEEL: FileSpec = {
  filename: "Shelf_Reader-1.10-py3-none-any.whl",
  name: "Shelf.Reader",
  version: "1.10",
  requires_python: ">=3.8",
  metadata_sha256: "ab".repeat(32),
  size: 123,
};
const SDIST: FileSpec = {
  filename: "shelf-reader-1.9.tar.gz",
  name: "shelf-reader",
  version: "1.9",
};
const OTHER: FileSpec = { filename: "other-0.1+local.zip", name: "Other", version: "0.1+local" };

test("the pages of a project tell its files", async (t) => {
  const index = await createIndex(t);
  const [wheel = ""] = await index.add(WHEEL, SDIST, OTHER);
  await index.yank("shelf_reader", "1.9", "it's <broken>");
  await index.provenance(wheel, { version: 1, attestation_bundles: [] });

  const html = await index.get("simple/SHELF__reader/");
  assert.equal(html.status, 200, html.text);
  assert.equal(html.headers["content-type"], "text/html; charset=utf-8");
  assert.equal(html.headers["x-pypi-last-serial"], "1000000000");
  const digest = (name: string) => sha256(name).toString("hex");
  const provenance = `https://index.example/pypi/team/index/integrity/shelf-reader/1.10/${WHEEL.filename}/provenance/`;
  const anchors = html.text.split("\n").filter((line) => line.startsWith("<a"));
  assert.deepEqual(anchors, [
    `<a href="${FILES}${WHEEL.filename}#sha256=${digest(WHEEL.filename)}" rel="internal" data-requires-python="&gt;=3.8" data-dist-info-metadata="sha256=${"ab".repeat(32)}" data-core-metadata="sha256=${"ab".repeat(32)}" data-provenance="${provenance}">${WHEEL.filename}</a><br/>`,
    `<a href="${FILES}${SDIST.filename}#sha256=${digest(SDIST.filename)}" rel="internal" data-yanked="it&#x27;s &lt;broken&gt;">${SDIST.filename}</a><br/>`,
  ]);
  assert.match(html.text, /<h1>Links for shelf-reader<\/h1>/);
  assert.match(html.text, /name="pypi:repository-version" content="1\.1"/);

  const { status, headers, body } = await index.get("simple/shelf-reader", json);
  assert.deepEqual([status, headers["content-type"]], [200, JSON_TYPE]);
  const [first, second] = body.files;
  assert.match(first["upload-time"], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.deepEqual(
    [body.meta, body.name, body.versions],
    [{ "api-version": "1.1", "_last-serial": 1000000000 }, "shelf-reader", ["1.9", "1.10"]],
  );
  const metadata = { sha256: "ab".repeat(32) };
  const { "upload-time": _, ...rest } = first;
  assert.deepEqual(rest, {
    filename: WHEEL.filename,
    url: FILES + WHEEL.filename,
    hashes: { sha256: digest(WHEEL.filename) },
    "requires-python": ">=3.8",
    size: 123,
    yanked: false,
    "core-metadata": metadata,
    "data-dist-info-metadata": metadata,
    provenance,
  });
  assert.deepEqual(
    [second.yanked, second["core-metadata"], second.provenance, second["requires-python"]],
    ["it's <broken>", false, null, null],
  );
  const local = await index.get("simple/other/", json);
  assert.equal(local.body.files[0].url, `${FILES}other-0.1%2Blocal.zip`);
});

test("the list has every project once, by normalised name", async (t) => {
  const index = await createIndex(t);
  const hostile = { filename: "evil-1.tar.gz", name: '<script>"&', version: "1" };
  await index.add(WHEEL, SDIST, OTHER, hostile);

  const { body, headers } = await index.get("simple/", json);
  const { text } = await index.get("simple/");
  const root = await index.get("");

  assert.equal(headers["content-type"], JSON_TYPE);
  assert.deepEqual(
    body.projects.map(({ name }: { name: string }) => name),
    ['<script>"&', "Other", "Shelf.Reader"],
  );
  assert.equal(body.projects[1]["_last-serial"], 1000000000);
  assert.match(text, /<title>Simple Index<\/title>/);
  assert.match(text, /<a href="shelf-reader\/">Shelf\.Reader<\/a><br\/>/);
  assert.match(text, /">&lt;script&gt;&quot;&amp;<\/a>/);
  assert.doesNotMatch(text, /<script/);
  assert.deepEqual(root.body, { projects: 3, releases: 4, files: 4 });
});

test("what is not there is a 404 that clients fall through", async (t) => {
  const index = await createIndex(t);
  await index.add(WHEEL);

  const project = await index.get("simple/No_Such.<b>/");
  const nowhere = await index.api.get("/pypi/no/where/simple/", { user: null });
  const listed = await index.get("simple/");

  assert.deepEqual([project.status, project.text], [404, "no-such-&lt;b&gt; does not exist."]);
  assert.deepEqual(
    [nowhere.status, nowhere.body.detail],
    [404, "No PythonDistribution found for base_path no/where"],
  );
  assert.equal(listed.status, 200);
});

test("an index of nothing says so", async (t) => {
  const index = await createIndex(t, { distribution: { repository: null } });
  for (const path of ["", "simple/", "simple/x/"]) {
    const { status, body } = await index.get(path);
    assert.deepEqual([status, body.detail], [404, "No repository associated with this index"]);
  }
});

test("a page is kept until something changes, and told by its ETag", async (t) => {
  const index = await createIndex(t, { settings: { CACHE_ENABLED: true } });
  await index.add(WHEEL);
  const get = (headers = {}) => index.get("simple/shelf-reader/", { headers });

  const first = await get();
  const second = await get();
  const { etag = "", "last-modified": modified = "" } = first.headers;
  const unchanged = await get({ "if-none-match": etag });
  const dated = await get({ "if-modified-since": modified });
  const both = await get({ "if-none-match": '"other"', "if-modified-since": modified });
  await index.add(SDIST);
  const after = await get({ "if-none-match": etag });

  assert.match(String(etag), /^"[0-9a-f]{32}"$/);
  assert.equal(first.headers["cache-control"], "max-age=600, public");
  assert.equal(first.headers.vary, "Accept, Accept-Encoding");
  assert.deepEqual(
    [first, second].map(({ headers }) => headers["x-pulp-cache"]),
    ["MISS", "HIT"],
  );
  assert.equal(second.headers.etag, etag);
  assert.deepEqual(
    [unchanged.status, unchanged.text, unchanged.headers.etag, unchanged.headers["cache-control"]],
    [304, "", etag, "max-age=600, public"],
  );
  assert.equal(unchanged.headers["x-pulp-cache"], undefined);
  assert.deepEqual([dated.status, both.status], [304, 200]);
  assert.deepEqual([after.status, after.headers["x-pulp-cache"]], [200, "MISS"]);
  assert.match(after.text, /shelf-reader-1\.9/);
});

test("a changed distribution changes its pages at once", async (t) => {
  const index = await createIndex(t);
  await index.add(WHEEL);
  const before = await index.get("simple/shelf-reader/");
  await index.api.request("PATCH", index.distribution, { json: { base_path: "moved" } });

  const after = await index.api.get("/pypi/moved/simple/shelf-reader/", { user: null });
  assert.match(before.text, /content\/team\/index\/Shelf/);
  assert.match(after.text, /content\/moved\/Shelf/);
  assert.equal((await index.get("simple/shelf-reader/")).status, 404);
});

test("a large page is sent packed to those who take it", async (t) => {
  const index = await createIndex(t);
  const many = Array.from({ length: 20 }, (_, n) => ({
    ...{ filename: `many-1.${n}.tar.gz`, name: "many", version: `1.${n}` },
  }));
  await index.add(...many);

  const plain = await index.get("simple/many/", json);
  const options = { url: "/pypi/team/index/simple/many/", headers: { ...json.headers } };
  const packed = await index.api.app.inject({
    ...options,
    headers: { ...options.headers, host: "deckle.example", "accept-encoding": "gzip, deflate" },
  });

  assert.equal(packed.headers["content-encoding"], "gzip");
  assert.equal(gunzipSync(packed.rawPayload).toString(), plain.text);
  assert.notEqual(packed.headers.etag, plain.headers.etag);
});

test("HEAD answers as GET without a body", async (t) => {
  const index = await createIndex(t);
  await index.add(WHEEL);
  const {
    body: _,
    text,
    ...head
  } = await index.api.request("HEAD", "/pypi/team/index/simple/shelf-reader/", { user: null });
  const get = await index.get("simple/shelf-reader/");
  assert.deepEqual([head.status, text, head.headers.etag], [200, "", get.headers.etag]);
  assert.equal(head.headers["content-length"], get.headers["content-length"]);
});

test("a pinned version and a publication decide what is served", async (t) => {
  const index = await createIndex(t);
  await index.add(WHEEL);
  const { body } = await index.api.get(
    `repositories/python/python/${index.repository}/versions/1/`,
  );
  const patch = async (json: object) => {
    const answer = await index.api.request("PATCH", index.distribution, { json });
    assert.ok(answer.status < 300, answer.text);
  };

  await patch({ repository: null, repository_version: body.pulp_href });
  await index.add(SDIST);
  const pinned = await index.get("simple/shelf-reader/", json);
  assert.equal(pinned.body.files.length, 1);

  const publication = await made(index.api, PUBLICATIONS, { repository_version: body.pulp_href });
  await patch({ repository_version: null, publication: publication.pulp_href });
  const list = await index.get("simple/");
  const project = await index.get("simple/Shelf.Reader/");
  assert.deepEqual([list.status, list.headers.location], [302, `${FILES}simple/`]);
  assert.deepEqual(
    [project.status, project.headers.location],
    [302, `${FILES}simple/shelf-reader/`],
  );
});

test("provenance is what is stored in the served version", async (t) => {
  const index = await createIndex(t);
  const [wheel = ""] = await index.add(WHEEL);
  const path = `integrity/Shelf_Reader/1.10/${WHEEL.filename}/provenance/`;
  const none = await index.get(path);
  await index.provenance(wheel, { version: 1, attestation_bundles: [] });
  const vendor = "application/vnd.pypi.integrity.v1+json";

  const plain = await index.get(path);
  const asked = await index.get(path, { headers: { accept: vendor } });

  assert.deepEqual(
    [none.status, none.text],
    [404, `Shelf_Reader 1.10 ${WHEEL.filename} provenance does not exist.`],
  );
  assert.deepEqual(plain.body, { version: 1, attestation_bundles: [] });
  assert.deepEqual(
    [plain, asked].map(({ headers }) => headers["content-type"]),
    ["application/json", vendor],
  );
});

test("a warm page costs one statement, shared by requests that come together", async (t) => {
  const index = await createIndex(t);
  await index.add(WHEEL);
  const get = () => index.get("simple/shelf-reader/");
  await get();

  const one = await index.api.statementsOf(get);
  const many = await index.api.statementsOf(() => Promise.all(Array.from({ length: 50 }, get)));

  assert.equal(one.length, 1, one.join("\n"));
  assert.ok(many.length <= 3, `${many.length} statements for 50 requests`);
});

test("set-up texts name the addresses of the index", async (t) => {
  const index = await createIndex(t);
  const idx = "https://index.example/pypi/team/index/";
  const cases = { pip: "simple/", uv: "legacy/", twine: "legacy/", poetry: "simple/" };
  for (const [client, path] of Object.entries(cases)) {
    const { text, headers } = await index.get(`setup/?client=${client}`);
    assert.ok(text.includes(idx + path), text);
    assert.equal(headers["content-type"], "text/plain; charset=utf-8");
  }
  assert.equal((await index.get("setup/?client=npm")).status, 400);
});

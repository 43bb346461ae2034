import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../support/eventually.ts";
import { createGroups, listed, release, serve } from "./group-world.ts";
import { json, SIMPLE_JSON } from "./mirror-world.ts";
import { DISTRIBUTIONS, made, PUBLICATIONS } from "./support.ts";

const AS_JSON = { accept: "application/json" };

test("the content app has the JSON of an index for those who prefer it", async (t) => {
  const w = await createGroups(t);
  await w.hosted("own", [release("Acme.Tool", "1.0"), release("Acme.Tool", "2.0")]);
  await w.group("all", ["own"]);
  for (const base of ["own", "all"]) {
    const get = (path: string) => w.site.get(`/pulp/content/${base}/${path}`, AS_JSON);
    const index = async (path: string) => (await w.get(`${base}/${path}`)).body;

    const list = await get("simple/");
    const project = await get("simple/acme_tool/");
    const metadata = await get("pypi/acme-tool/");
    const old = await get("pypi/acme-tool/1/");
    const missing = await get("simple/none/");

    assert.equal(list.headers["content-type"], SIMPLE_JSON);
    assert.deepEqual(JSON.parse(`${list.body}`), await index("simple/?format=json"));
    assert.deepEqual(JSON.parse(`${project.body}`), await index("simple/acme-tool/?format=json"));
    assert.equal(metadata.headers["content-type"], "application/json");
    assert.equal(metadata.headers["x-pypi-last-serial"], "1000000000");
    assert.equal(metadata.headers.vary, "Accept");
    assert.deepEqual(JSON.parse(`${metadata.body}`), await index("pypi/acme-tool/json/"));
    assert.equal(JSON.parse(`${old.body}`).info.version, "1.0");
    assert.equal(missing.status, 404);
    assert.equal((await get("pypi/acme-tool/3/")).status, 404);
    assert.equal((await get("pypi/a/b/c/")).status, 404);
  }
});

test("JSON that is kept changes with the repository", async (t) => {
  const w = await createGroups(t);
  await w.hosted("own", [release("acme", "1.0")]);
  const versions = async () => {
    const { body } = await w.site.get("/pulp/content/own/simple/acme/", AS_JSON);
    return JSON.parse(`${body}`).versions;
  };
  assert.deepEqual(await versions(), ["1.0"]);
  await w.add("own", release("acme", "2.0"));
  await eventually(async () => assert.deepEqual(await versions(), ["1.0", "2.0"]));
});

test("a published index has the metadata of projects, for whatever is accepted", async (t) => {
  const w = await createGroups(t);
  await w.hosted("own", [release("acme", "1.0")]);
  const { pulp_href: publication } = await made(w.api, PUBLICATIONS, {
    repository: w.repository("own"),
  });
  await made(w.api, DISTRIBUTIONS, { name: "p", base_path: "p", publication });
  await w.add("own", release("acme", "2.0"));

  for (const path of ["pypi/acme/json", "pypi/acme/json/", "pypi/acme/1.0/json"]) {
    const answer = await w.site.get(`/pulp/content/p/${path}`);
    assert.equal(answer.status, 200, path);
    assert.deepEqual(Object.keys(JSON.parse(`${answer.body}`).releases), ["1.0"]);
  }
  assert.equal((await w.site.get("/pulp/content/p/pypi/acme/2.0/json")).status, 404);
  assert.equal((await w.site.get("/pulp/content/own/pypi/acme/json")).status, 404);
});

test("an index of nothing but an upstream has the metadata that upstream tells", async (t) => {
  const w = await createGroups(t);
  const upstream = await w.window("up");
  serve(
    upstream,
    "acme",
    [
      listed("acme", "1.0", { yanked: "old", "upload-time": "2024-01-02T03:04:05.000001Z" }),
      listed("acme", "2.0", { "requires-python": ">=3.9" }),
    ],
    { "project-status": { status: "archived" } },
  );
  const info = { name: "Acme", version: "2.0", summary: "Tools", requires_dist: ["six"] };
  upstream.on("/pypi/acme/2.0/json", json({ info }));

  const { body } = await w.get("up/pypi/acme/json/");
  const old = (await w.get("up/pypi/acme/1.0/json/")).body;
  const page = (await w.get("up/simple/acme/?format=json")).body;
  const html = (await w.get("up/simple/acme/")).text;
  const list = await w.site.get("/pulp/content/up/simple/", AS_JSON);

  assert.deepEqual(
    [body.info.name, body.info.summary, body.info.requires_dist, body.info.requires_python],
    ["Acme", "Tools", ["six"], ">=3.9"],
  );
  assert.deepEqual(Object.keys(body.releases), ["1.0", "2.0"]);
  assert.match(body.urls[0].url, /\/pulp\/content\/up\/acme-2.0-py3-none-any.whl\?sha256=/);
  assert.equal((await w.fetch(body.urls[0].url)).status, 200);
  assert.deepEqual(
    [old.info.name, old.info.version, old.info.yanked_reason, old.urls[0].upload_time_iso_8601],
    ["acme", "1.0", "old", "2024-01-02T03:04:05.000001+00:00"],
  );
  assert.deepEqual(page["project-status"], { status: "archived" });
  assert.match(html, /<meta name="pypi:project-status" content="archived">/);
  assert.equal((await w.get("up/pypi/none/json/")).status, 404);
  assert.equal(list.status, 302);
  assert.equal(list.headers.location, "https://index.example/pypi/up/simple/?format=json");
});

test("other indexes that upstream names for a project are named to clients", async (t) => {
  const w = await createGroups(t);
  const [first, second] = [await w.window("a"), await w.window("b")];
  const [home, other, third] = [
    "https://a.test/simple/x/",
    'https://b.test/x/?q=%3C"',
    "https://c.test/",
  ];
  const meta = { "api-version": "1.2", tracks: [home] };
  serve(first, "acme", [listed("acme", "1.0")], { meta, "alternate-locations": [other] });
  serve(second, "acme", [listed("acme", "2.0")], { "alternate-locations": [third, other] });
  await w.group("all", ["a", "b"]);

  const { body: alone } = await w.get("a/simple/acme/?format=json");
  const { body: joined } = await w.get("all/simple/acme/?format=json");
  const html = (await w.get("a/simple/acme/")).text;

  assert.deepEqual([alone.meta.tracks, alone["alternate-locations"]], [[home], [other]]);
  assert.deepEqual([joined.meta.tracks, joined["alternate-locations"]], [[home], [other, third]]);
  assert.match(html, /<meta name="pypi:tracks" content="https:\/\/a.test\/simple\/x\/">/);
  assert.match(
    html,
    /<meta name="pypi:alternate-locations" content="https:\/\/b.test\/x\/\?q=%3C&quot;">/,
  );
});

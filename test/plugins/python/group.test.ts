import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "#base/digests.ts";
import { ADMIN_PASSWORD } from "../../support/rest-api.ts";
import { answer } from "../../support/upstream.ts";
import { sdist } from "./distributions.ts";
import { createGroups, listed, ORIGIN, release, serve } from "./group-world.ts";
import { json, SIMPLE_JSON } from "./mirror-world.ts";
import { DISTRIBUTIONS } from "./support.ts";

const CONTENT = `${ORIGIN}/pulp/content`;

test("a group shows the files of its members, a name once, from the first that has it", async (t) => {
  const w = await createGroups(t);
  await w.hosted("a", [release("one", "1.0"), release("one", "1.1")]);
  await w.hosted("b", [
    { ...release("one", "1.1"), more: { sha256: sha256("of b") } },
    release("one", "2.0"),
    release("two", "1.0"),
  ]);
  await w.group("all", ["a", "b"]);

  const files = await w.files("all", "One");

  assert.deepEqual(files, {
    "one-1.0-py3-none-any.whl": `${CONTENT}/a/one-1.0-py3-none-any.whl`,
    "one-1.1-py3-none-any.whl": `${CONTENT}/a/one-1.1-py3-none-any.whl`,
    "one-2.0-py3-none-any.whl": `${CONTENT}/b/one-2.0-py3-none-any.whl`,
  });
  const { text } = await w.get("all/simple/one/");
  assert.match(text, /href="https:\/\/files.example\/pulp\/content\/b\/one-2.0/);
  const list = (await w.get("all/simple/", { headers: { accept: SIMPLE_JSON } })).body;
  assert.deepEqual(
    list.projects.map(({ name }: { name: string }) => name),
    ["one", "two"],
  );
  assert.deepEqual((await w.get("all/")).body, { projects: 2, releases: 4, files: 4 });
  const metadata = (await w.get("all/pypi/one/json/")).body;
  assert.deepEqual(Object.keys(metadata.releases), ["1.0", "1.1", "2.0"]);
  assert.equal(metadata.releases["1.1"][0].url, `${CONTENT}/a/one-1.1-py3-none-any.whl`);
  assert.equal(metadata.info.version, "2.0");
});

test("what a member says changes the page and its ETag; what nobody changed is kept", async (t) => {
  const w = await createGroups(t);
  await w.hosted("a", [release("one", "1.0")]);
  await w.hosted("b", []);
  await w.group("all", ["a", "b"]);
  const page = async () => {
    const { headers } = await w.get("all/simple/one/");
    return { etag: String(headers.etag), cache: headers["x-pulp-cache"] };
  };

  const first = await page();
  const again = await page();
  const same = await w.get("all/simple/one/", { headers: { "if-none-match": first.etag } });
  await w.add("b", release("one", "2.0"));
  const changed = await page();

  assert.deepEqual(again, { etag: first.etag, cache: "HIT" });
  assert.equal(same.status, 304);
  assert.notEqual(changed.etag, first.etag);
  assert.equal(changed.cache, "MISS");
});

test("a page costs as many statements as of two members with ten", async (t) => {
  const w = await createGroups(t);
  const names = Array.from({ length: 10 }, (_, i) => `m${i}`);
  for (const [i, name] of names.entries()) await w.hosted(name, [release("one", `1.${i}`)]);
  await w.group("two", names.slice(0, 2));
  await w.group("ten", names);

  const two = await w.api.statementsOf(() => w.files("two", "one"));
  const ten = await w.api.statementsOf(() => w.files("ten", "one"));

  assert.equal(Object.keys((await w.files("ten", "one")) as object).length, 10);
  assert.equal(ten.length, two.length);
});

test("no upstream is asked about a name that a hosted member before it has", async (t) => {
  const w = await createGroups(t);
  await w.hosted("own", [release("Acme.Tool", "1.0")]);
  const upstream = await w.window("up");
  for (const name of ["acme-tool", "six"]) serve(upstream, name, [listed(name, "999")]);
  upstream.on("/pypi/acme-tool/json", json({ info: { name: "acme-tool", version: "999" } }));
  await w.group("all", ["own", "up"]);
  await w.group("merged", ["own", "up"], { merge_upstream: true });

  for (const spelling of ["acme-tool", "Acme_Tool", "acme.-_tool"]) {
    assert.deepEqual(await w.files("all", spelling), {
      "Acme.Tool-1.0-py3-none-any.whl": `${CONTENT}/own/Acme.Tool-1.0-py3-none-any.whl`,
    });
  }
  const { body } = await w.get("all/simple/acme-tool/", { headers: { accept: SIMPLE_JSON } });
  const { text } = await w.get("all/simple/acme-tool/");
  const metadata = (await w.get("all/pypi/acme-tool/json/")).body;
  const fetched = await w.fetch("/pulp/content/all/acme_tool-999-py3-none-any.whl");

  assert.equal(body["_no-upstream"], "the name is that of a project of own");
  assert.match(text, /<!-- No upstream is asked: the name is that of a project of own. -->/);
  assert.deepEqual(Object.keys(metadata.releases), ["1.0"]);
  assert.equal(fetched.status, 404);
  assert.match(fetched.reason, /that of a project of own/);
  assert.equal(upstream.requests.length, 0);
  assert.deepEqual(Object.keys((await w.files("all", "six")) as object), [
    "six-999-py3-none-any.whl",
  ]);
  assert.equal(Object.keys((await w.files("merged", "acme-tool")) as object).length, 2);
});

test("private names are asked of no upstream, whichever member they are told by", async (t) => {
  const w = await createGroups(t);
  await w.hosted("own", [], { private_names: ["Acme_*"] });
  const upstream = await w.window("up", { distribution: { private_names: ["secret"] } });
  for (const name of ["acme-tool", "secret", "hidden"]) serve(upstream, name, [listed(name, "9")]);
  await w.group("all", ["up", "own"], { private_names: ["hidden"] });

  for (const name of ["Acme.Tool", "secret", "hidden"]) {
    const answered = await w.get(`all/simple/${name}/`);
    assert.equal(answered.status, 404, name);
    assert.match(answered.text, /the name is private here/, name);
    assert.equal((await w.get(`all/pypi/${name}/json/`)).status, 404, name);
  }
  assert.equal(await w.files("up", "secret"), 404);
  assert.equal(upstream.requests.length, 0);
  assert.equal(typeof (await w.files("up", "hidden")), "object");
});

test("a link to what became private since, and what was pulled before, are refused", async (t) => {
  const w = await createGroups(t);
  const file = sdist({ name: "acme" });
  const upstream = await w.window("up");
  serve(upstream, "acme", [{ filename: file.filename, content: file.bytes.toString("latin1") }]);
  const { body } = await w.get("up/simple/acme/", { headers: { accept: SIMPLE_JSON } });
  const url = String(body.files[0].url);

  await w.api.request("PATCH", w.href("up"), { json: { private_names: ["acme"] } });
  const refused = await w.fetch(url);

  assert.equal(refused.status, 403);
  assert.match(refused.reason, /the name is private here/);
  assert.deepEqual(upstream.asked(`/files/${file.filename}`), []);
});

test("while an upstream cannot be asked, nothing stands for what it may have", async (t) => {
  const w = await createGroups(t);
  await w.hosted("own", [release("mine", "1.0")]);
  const first = await w.window("first");
  const second = await w.window("second");
  first.otherwise(answer.status(500));
  for (const name of ["mine", "six"]) serve(second, name, [listed(name, "999")]);
  await w.group("all", ["own", "first", "second"]);

  const answered = await w.get("all/simple/six/");

  assert.equal(answered.status, 502);
  assert.match(answered.text, /The upstream of first cannot be asked/);
  assert.equal((await w.get("all/pypi/six/json/")).status, 502);
  assert.equal(Object.keys((await w.files("all", "mine")) as object).length, 1);
});

test("a member that the caller may not see is left out, and keeps its names", async (t) => {
  const w = await createGroups(t);
  const guard = (await w.api.post("contentguards/core/rbac/", { name: "g" })).body.pulp_href;
  await w.hosted("closed", [release("acme", "1.0")], { content_guard: guard });
  await w.hosted("open", [release("six", "1.0")]);
  const upstream = await w.window("up");
  for (const name of ["acme", "seven"]) serve(upstream, name, [listed(name, "999")]);
  await w.group("all", ["closed", "open", "up"]);

  assert.equal(await w.files("all", "acme"), 404);
  const stranger = await w.get("all/simple/acme/");
  assert.match(stranger.text, /that of a project of another member/);
  assert.equal(upstream.requests.length, 0);
  const { headers } = await w.get("all/simple/six/");
  assert.equal(headers["cache-control"], "no-cache");
  assert.equal(Object.keys((await w.files("all", "six")) as object).length, 1);
  const known = await w.api.get("/pypi/all/simple/acme/", { headers: { accept: SIMPLE_JSON } });
  assert.equal(known.status, 200);
  assert.equal(known.body.files.length, 1);
  upstream.on("/simple/", json({ projects: [{ name: "acme" }, { name: "seven" }] }, SIMPLE_JSON));
  const list = (await w.get("all/simple/?format=json")).body.projects;
  assert.deepEqual(
    list.map(({ name }: { name: string }) => name),
    ["six", "seven"],
  );
});

test("a reader sees the members that the policy of indexes lets him see by themselves", async (t) => {
  const w = await createGroups(t);
  await w.hosted("a", [release("one", "1.0")]);
  await w.hosted("b", [release("one", "2.0")]);
  await w.group("all", ["a", "b"]);
  const password = "of the tests 1";
  await w.api.post("users/", { username: "ann", password });
  for (const name of ["all", "a"]) {
    const role = { role: "python.pythondistribution_viewer", users: ["ann"] };
    assert.equal((await w.api.post(`${w.href(name)}add_role/`, role)).status, 201);
  }
  const { body } = await w.api.get("access_policies/?viewset_name=pypi/simple");
  const condition = ["index_has_perm"];
  const statement = { action: "*", principal: "authenticated", effect: "allow", condition };
  const json = { statements: [statement] };
  assert.equal((await w.api.request("PATCH", body.results[0].pulp_href, { json })).status, 200);

  const seen = async (user: string | null | undefined) => {
    const files = await w.files("all", "one", user === undefined ? {} : { user });
    return typeof files === "number" ? files : Object.keys(files).length;
  };

  assert.equal(await seen(`ann:${password}`), 1);
  assert.equal(await seen(`admin:${ADMIN_PASSWORD}`), 2);
  assert.equal(await seen(null), 401);
  assert.equal(await w.files("b", "one", { user: `ann:${password}` }), 403);
});

test("the list of a group has what upstreams list beside it", async (t) => {
  const w = await createGroups(t);
  await w.hosted("own", [release("acme", "1.0"), release("six", "1.0")]);
  const upstream = await w.window("up");
  const projects = ["Six", "acme-secret", "Seven"].map((name) => ({ name }));
  upstream.on("/simple/", json({ meta: { "api-version": "1.1" }, projects }, SIMPLE_JSON));
  await w.group("all", ["own", "up"], { private_names: ["acme-*"], denied_packages: ["acme"] });

  const { body } = await w.get("all/simple/?format=json");

  assert.deepEqual(
    body.projects.map(({ name }: { name: string }) => name),
    ["six", "Seven"],
  );
});

test("an index with a repository and a remote lists both, each name once", async (t) => {
  const w = await createGroups(t);
  const upstream = await w.window("up");
  const remote = w.remote("up");
  await w.hosted("mix", [release("Six", "1.0"), release("acme", "1.0")], { remote });
  const names = Array.from({ length: 6000 }, (_, i) => ({ name: `p${i}` }));
  const projects = [{ name: "six" }, ...names, { name: "SIX" }];
  upstream.on("/simple/", json({ projects }, SIMPLE_JSON));
  const list = async () => {
    const { status, body } = await w.get("mix/simple/?format=json");
    assert.equal(status, 200);
    return body.projects.map(({ name }: { name: string }) => name);
  };

  const both = await list();
  const head = await w.api.request("HEAD", "/pypi/mix/simple/", { user: null });
  upstream.on("/simple/", answer.status(500));
  const own = await list();

  assert.equal(both.length, 6002);
  assert.deepEqual(both.slice(0, 3), ["acme", "Six", "p0"]);
  assert.deepEqual([head.status, head.text], [200, ""]);
  assert.deepEqual(own, ["acme", "Six"]);
});

test("feeds of a group tell what is new in its members, once, and nothing that is withheld", async (t) => {
  const w = await createGroups(t);
  await w.hosted("a", [release("one", "1.0"), release("bad", "1.0")]);
  await w.hosted("b", [release("two", "1.0")]);
  await w.add("b", { ...release("one", "1.0"), more: { sha256: sha256("b") } });
  await w.window("up");
  await w.group("all", ["a", "b", "up"], { denied_packages: ["bad"] });

  const titles = async (path: string) =>
    [...(await w.get(path)).text.matchAll(/<title>([^<]*)<.title>/g)]
      .slice(1)
      .map(([, one]) => one);

  assert.deepEqual(await titles("all/rss/updates.xml"), ["two 1.0", "one 1.0"]);
  assert.deepEqual(await titles("all/rss/project/one/releases.xml"), ["one 1.0"]);
  assert.deepEqual(await titles("up/rss/packages.xml"), []);
});

test("the content app sends who asks a group to the member that has the file", async (t) => {
  const w = await createGroups(t);
  await w.hosted("own", [release("acme", "1.0")]);
  const upstream = await w.window("up");
  serve(upstream, "six", [listed("six", "1.0")]);
  await w.group("all", ["own", "up"]);

  const own = await w.fetch("/pulp/content/all/acme-1.0-py3-none-any.whl");
  const metadata = await w.fetch("/pulp/content/all/acme-1.0-py3-none-any.whl.metadata");
  const pulled = await w.fetch("/pulp/content/all/six-1.0-py3-none-any.whl");
  const missing = await w.fetch("/pulp/content/all/six-2.0-py3-none-any.whl");

  assert.equal(own.status, 302);
  assert.equal(own.headers.location, `${CONTENT}/own/acme-1.0-py3-none-any.whl`);
  assert.equal(metadata.headers.location, `${own.headers.location}.metadata`);
  assert.match(String(pulled.headers.location), /\/up\/six-1.0-py3-none-any.whl\?sha256=/);
  assert.equal((await w.fetch(String(pulled.headers.location))).status, 200);
  assert.equal(missing.status, 404);
});

test("what cannot be a group is refused", async (t) => {
  const w = await createGroups(t);
  await w.hosted("a", []);
  await w.hosted("b", []);
  await w.group("all", ["a"]);
  const other = (await w.api.post("repositories/file/file/", { name: "f" })).body.pulp_href;
  const file = await w.api.post("distributions/file/file/", { name: "f", base_path: "f" });
  assert.equal(file.status, 202);
  const refused = async (json: object, method = "POST", path = DISTRIBUTIONS) => {
    const base = method === "POST" ? { name: "new", base_path: "new" } : {};
    const { status, body } = await w.api.request(method, path, { json: { ...base, ...json } });
    assert.equal(status, 400, JSON.stringify(json));
    return JSON.stringify(body);
  };
  const patch = (name: string, json: object) => refused(json, "PATCH", w.href(name));

  assert.match(await refused({ members: [w.href("all")] }), /'all' has members itself/);
  assert.match(await patch("a", { members: [w.href("b")] }), /no 'repository' of its own/);
  const bare = { repository: null, members: [w.href("b")] };
  assert.match(await patch("a", bare), /is a member of 'all'/);
  assert.match(await patch("all", { members: [w.href("all")] }), /a member of itself/);
  assert.match(await refused({ members: [w.href("a")], upload_member: w.href("b") }), /members/);
  assert.match(await refused({ members: [other] }), /Incorrect URL match/);
  assert.match(await refused({ members: Array(17).fill(w.href("a")) }), /no more than 16/);
  for (const name of ["", "*", "a b", "x".repeat(201), "a\u0000", "\ud800"])
    await refused({ private_names: [name] });
  assert.match(
    await refused({ denied_packages: ["a >> 1"] }),
    /denied_packages specifier a >> 1 is invalid/,
  );
  for (const line of ["a; os_name == '\u0000'", "a===\u0000", "a===\ud800"])
    await refused({ allowed_packages: [line] });
  const seen = (await w.api.get(w.href("all"))).body;
  assert.deepEqual(seen.members, [w.href("a")]);
  assert.equal((await w.api.request("DELETE", w.href("a"))).status, 202);
  assert.deepEqual((await w.api.get(w.href("all"))).body.members, []);
  assert.equal(await w.files("all", "x"), 404);
});

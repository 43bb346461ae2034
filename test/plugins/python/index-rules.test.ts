import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { endedTask } from "../../support/run-tasks.ts";
import { createGroups, listed, release, serve } from "./group-world.ts";
import { createMirrorWorld, json, serveProject } from "./mirror-world.ts";
import { DISTRIBUTIONS, made, PUBLICATIONS } from "./support.ts";

const HOUR_MS = 3_600_000;
const ago = (hours: number): string => new Date(Date.now() - hours * HOUR_MS).toISOString();

test("what an index denies is neither on its pages nor in its metadata, nor sent", async (t) => {
  const w = await createGroups(t);
  const files = [release("six", "1.0"), release("six", "2.0"), release("bad", "1.0")];
  await w.hosted("own", files, { denied_packages: ["Six<2", "bad"] });

  const page = await w.get("own/simple/six/?format=json");
  const html = (await w.get("own/simple/six/")).text;
  const metadata = (await w.get("own/pypi/six/json/")).body;
  const gone = await w.get("own/pypi/six/1.0/json/");
  const refused = await w.fetch("/pulp/content/own/six-1.0-py3-none-any.whl");
  const beside = await w.fetch("/pulp/content/own/six-1.0-py3-none-any.whl.metadata");

  assert.deepEqual(page.body.versions, ["2.0"]);
  assert.deepEqual(page.body._withheld, [{ version: "1.0", reason: "this index denies Six<2" }]);
  assert.match(html, /<!-- 1.0 is withheld: this index denies Six&lt;2. -->/);
  assert.deepEqual(Object.keys(metadata.releases), ["2.0"]);
  assert.equal(gone.status, 404);
  assert.match(gone.text, /this index denies Six<2/);
  assert.equal(refused.status, 403);
  assert.match(refused.reason, /this index denies Six<2/);
  assert.equal(beside.status, 403);
  assert.match((await w.get("own/simple/bad/")).text, /this index denies bad/);
  assert.doesNotMatch((await w.get("own/simple/")).text, /bad/);
});

test("what an index denies is not on the pages of its publication either", async (t) => {
  const w = await createGroups(t);
  await w.hosted("own", [release("six", "1.0"), release("six", "2.0"), release("bad", "1.0")]);
  const repository = w.repository("own");
  const task = await endedTask(w.api, await w.api.post(PUBLICATIONS, { repository }));
  const [publication] = task.created_resources;
  await made(w.api, DISTRIBUTIONS, { name: "all", base_path: "all", publication });
  const rules = { denied_packages: ["six<2", "bad"] };
  await made(w.api, DISTRIBUTIONS, { name: "out", base_path: "out", publication, ...rules });

  for (const end of ["", "index.html"]) {
    const six = (await w.fetch(`/pulp/content/out/simple/six/${end}`)).body.toString();
    assert.match(six, /six-2\.0-py3-none-any\.whl#sha256=/);
    assert.doesNotMatch(six, /six-1\.0-py3/);
    const bad = await w.fetch(`/pulp/content/out/simple/bad/${end}`);
    assert.equal(bad.status, 404);
    assert.match(bad.reason, /this index denies bad/);
    const list = (await w.fetch(`/pulp/content/out/simple/${end}`)).body.toString();
    assert.match(list, />six</);
    assert.doesNotMatch(list, /bad/);
  }
  const all = (await w.fetch("/pulp/content/all/simple/six/")).body.toString();
  assert.match(all, /six-1\.0-py3/);
  assert.equal((await w.fetch("/pulp/content/out/simple/six")).status, 301);
  assert.equal((await w.fetch("/pulp/content/out/six-1.0-py3-none-any.whl")).status, 403);
});

test("an index that allows some shows nothing else, until that changes", async (t) => {
  const w = await createGroups(t);
  await w.hosted("own", [release("six", "1.0"), release("seven", "1.0")]);
  assert.equal(Object.keys((await w.files("own", "seven")) as object).length, 1);

  await w.api.request("PATCH", w.href("own"), { json: { allowed_packages: ["six>=1,<2"] } });
  const seven = await w.get("own/simple/seven/");
  const six = await w.files("own", "six");
  const refused = await w.fetch("/pulp/content/own/seven-1.0-py3-none-any.whl");
  await w.api.request("PATCH", w.href("own"), { json: { allowed_packages: ["six>1"] } });
  const later = await w.get("own/simple/six/");

  assert.equal(seven.status, 404);
  assert.match(seven.text, /this index allows nothing of seven/);
  assert.equal(refused.status, 403);
  assert.equal(Object.keys(six as object).length, 1);
  assert.match(later.text, /allows nothing of six but six&gt;1/);
});

test("of a project that is withheld as a whole no upstream is asked", async (t) => {
  const w = await createGroups(t);
  const upstream = await w.window("up", { distribution: { denied_packages: ["six"] } });
  serve(upstream, "six", [listed("six", "1.0")]);
  await w.group("all", ["up"], { allowed_packages: ["seven"] });

  const up = await w.get("up/simple/six/");
  const all = await w.get("all/simple/six/");
  await w.group("plain", ["up"]);
  const plain = await w.get("plain/simple/six/");
  const file = await w.fetch("/pulp/content/all/six-1.0-py3-none-any.whl");

  assert.equal(up.text, "six does not exist. Every release is withheld: this index denies six.");
  assert.match(all.text, /Every release is withheld: this index allows nothing of six/);
  assert.match(plain.text, /Every release is withheld: this index denies six/);
  assert.equal(file.status, 403);
  assert.deepEqual(upstream.requests, []);
});

test("a text that would end a comment does not", async (t) => {
  const w = await createGroups(t);
  await w.hosted("own", [release("six", "1.0"), release("six", "2.0")], {
    denied_packages: ["six===1.0-->--!><script>x</script>", "six<2"],
  });
  const { text } = await w.get("own/simple/six/");
  assert.doesNotMatch(text, /<script>/);
  assert.equal(text.match(/-->/g)?.length, 1);
});

test("files that upstream has not had for long are neither listed nor fetched", async (t) => {
  const w = await createGroups(t);
  const remote = { minimum_release_age_hours: 48 };
  const upstream = await w.window("up", { remote });
  serve(upstream, "six", [
    listed("six", "1.0", { "upload-time": ago(49) }),
    listed("six", "2.0", { "upload-time": ago(47) }),
    listed("six", "3.0"),
  ]);
  upstream.on("/pypi/six/1.0/json", json({ info: { name: "Six", version: "1.0" } }));

  const { body } = await w.get("up/simple/six/?format=json");
  const metadata = (await w.get("up/pypi/six/json/")).body;

  assert.deepEqual(body.versions, ["1.0"]);
  assert.deepEqual(
    body._withheld.map(({ version }: { version: string }) => version),
    ["2.0", "3.0"],
  );
  assert.match(body._withheld[0].reason, /less than 48 hours ago; it is taken from 20/);
  assert.match(body._withheld[1].reason, /does not tell when/);
  assert.equal(metadata.info.name, "Six");
  assert.deepEqual(Object.keys(metadata.releases), ["1.0"]);
  assert.equal((await w.get("up/pypi/six/2.0/json/")).status, 404);
});

test("a link that was told before a rule of age holds is refused by that rule", async (t) => {
  const w = await createGroups(t);
  const upstream = await w.window("up");
  serve(upstream, "six", [listed("six", "1.0", { "upload-time": ago(1) })]);
  const { body } = await w.get("up/simple/six/?format=json");
  const { url } = body.files[0];

  await sql`update python_remote set minimum_release_age_hours = 2`.execute(w.api.ctx.db);
  const refused = await w.fetch(url);
  await sql`update python_remote set minimum_release_age_hours = 1`.execute(w.api.ctx.db);
  const sent = await w.fetch(url);

  assert.equal(refused.status, 403);
  assert.match(refused.reason, /less than 2 hours ago/);
  assert.equal(sent.status, 200);
  assert.equal(upstream.asked("/files/six-1.0-py3-none-any.whl").length, 1);
});

test("a sync takes files when they are old enough, though nothing else changed", async (t) => {
  const w = await createMirrorWorld(t);
  const remote = await w.addRemote({ includes: ["six"] });
  await sql`update python_remote set minimum_release_age_hours = 48`.execute(w.ctx.db);
  const repository = await w.addRepository();
  const files = [
    { filename: "six-1.0.tar.gz", "upload-time": ago(49) },
    { filename: "six-2.0.tar.gz", "upload-time": ago(47) },
  ];
  serveProject(w.upstream, "six", files);

  await w.sync({ repository, remote });
  const before = await w.filenames(repository);
  const now = w.ctx.clock.now();
  t.mock.method(w.ctx.clock, "now", () => now + 2 * HOUR_MS);
  await w.sync({ repository, remote });

  assert.deepEqual(before, ["six-1.0.tar.gz"]);
  assert.deepEqual(await w.filenames(repository), ["six-1.0.tar.gz", "six-2.0.tar.gz"]);
});

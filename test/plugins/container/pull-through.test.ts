import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { updateRemote } from "#core/remotes/commands.ts";
import { endedTask } from "../../support/run-tasks.ts";
import { answer } from "../../support/upstream.ts";
import { digestOf, type Stored } from "./fake-registry.ts";
import { createPullWorld } from "./pull-world.ts";
import { codesOf } from "./registry-world.ts";
import { signedMessage, signedPayload } from "./signed-message.ts";

const IMAGE = "cache/library/app";
const FRESH = { settings: { CONTAINER_PULL_FRESH_SECONDS: 0 } as object };
const manifestPath = ({ digest }: Stored) => `/v2/library/app/manifests/${digest}`;

test("an image is pulled through once, and served from here then", async (t) => {
  const world = await createPullWorld(t);
  const { repository: upstream } = world;
  const image = upstream.image(["layer"], { team: "paper" });
  upstream.tag("1.0", image);
  await world.addThrough();

  const pulled = await world.get(`${IMAGE}/manifests/1.0`);
  assert.equal(pulled.status, 200, await pulled.clone().text());
  assert.equal(await pulled.text(), image.body);
  assert.equal(pulled.headers.get("docker-content-digest"), image.digest);
  assert.deepEqual(await world.made(IMAGE), ["distribution", "remote", "repository"]);
  const layer = await world.get(`${IMAGE}/blobs/${digestOf("layer")}`);
  assert.equal(await layer.text(), "layer");
  await world.stored(digestOf("layer"));
  upstream.tag("0.9", image);
  const listed = await (await world.get(`${IMAGE}/tags/list`)).json();
  assert.deepEqual(listed, { name: IMAGE, tags: ["0.9", "1.0"] });

  world.forget();
  for (const what of ["manifests/1.0", `manifests/${image.digest}`, `blobs/${digestOf("layer")}`])
    assert.equal((await world.get(`${IMAGE}/${what}`)).status, 200);
  assert.deepEqual(world.upstream.requests, [], "nothing is asked again while it is fresh");
  const { rows } = await sql`select labels, architecture from container_manifest`.execute(
    world.ctx.db,
  );
  assert.deepEqual(rows, [{ labels: { team: "paper" }, architecture: "amd64" }]);
});

test("many who want the same cost one question upstream", async (t) => {
  const world = await createPullWorld(t);
  const image = world.repository.image(["layer"]);
  world.repository.tag("1.0", image);
  await world.addThrough();
  const all = Array.from({ length: 20 }, () => world.get(`${IMAGE}/manifests/1.0`));
  for (const one of await Promise.all(all)) assert.equal(one.status, 200);
  assert.equal(world.count("GET manifests"), 1);
  assert.ok(world.count("HEAD manifests") <= 2);
  const blobs = Array.from({ length: 10 }, () => world.get(`${IMAGE}/blobs/${digestOf("layer")}`));
  for (const one of await Promise.all(blobs)) assert.equal(await one.text(), "layer");
  assert.equal(world.upstream.asked(`/v2/library/app/blobs/${digestOf("layer")}`).length, 1);
});

test("children of an index come when they are asked for", async (t) => {
  const world = await createPullWorld(t);
  const { repository: upstream } = world;
  const [amd64, arm64] = [upstream.image(["a"]), upstream.image(["b"])];
  const index = upstream.index([amd64, arm64], ["amd64", "arm64"]);
  upstream.tag("multi", index);
  await world.addThrough();
  assert.equal((await world.get(`${IMAGE}/manifests/multi`)).status, 200);
  assert.equal(world.upstream.asked(manifestPath(arm64)).length, 0);
  assert.equal((await world.get(`${IMAGE}/manifests/${arm64.digest}`)).status, 200);
  assert.equal(await (await world.get(`${IMAGE}/blobs/${digestOf("b")}`)).text(), "b");
});

test("a tag that moved upstream moves here, and the old version goes", async (t) => {
  const world = await createPullWorld(t, FRESH);
  const { repository: upstream } = world;
  const [first, second] = [upstream.image(["1"]), upstream.image(["2"])];
  upstream.tag("latest", first);
  await world.addThrough();
  await world.get(`${IMAGE}/manifests/latest`);
  upstream.tag("latest", second);
  const moved = await world.get(`${IMAGE}/manifests/latest`);
  assert.equal(moved.headers.get("docker-content-digest"), second.digest);
  world.forget();
  await world.get(`${IMAGE}/manifests/latest`);
  assert.equal(world.count("HEAD manifests"), 1, "heads cost no pulls");
  assert.equal(world.count("GET manifests"), 0);
  const { rows } = await sql<{ number: number }>`
    select v.number from repository_version v join repository r on r.num = v.repository
    where r.name = ${IMAGE} and v.complete order by 1`.execute(world.ctx.db);
  assert.ok(rows.length <= 2 && rows.at(-1)?.number === 2, JSON.stringify(rows));
});

test("what is here is served while upstream fails; what is not gets the reason", async (t) => {
  const world = await createPullWorld(t, FRESH);
  const image = world.repository.image(["layer"]);
  world.repository.tag("1.0", image);
  await world.addThrough();
  await world.get(`${IMAGE}/manifests/1.0`);
  const cases: readonly (readonly [number, number, string])[] = [
    [404, 404, "MANIFEST_UNKNOWN"],
    [429, 429, "TOOMANYREQUESTS"],
    [500, 502, "UNSUPPORTED"],
    [403, 502, "UNSUPPORTED"],
  ];
  for (const [theirs, ours, code] of cases) {
    for (const tag of ["1.0", "other"])
      world.upstream.on(`/v2/library/app/manifests/${tag}`, answer.status(theirs));
    const known = await world.get(`${IMAGE}/manifests/1.0`);
    assert.equal(known.status, 200, `${theirs} upstream`);
    const unknown = await world.get(`${IMAGE}/manifests/other`);
    assert.equal(unknown.status, ours);
    assert.deepEqual(await codesOf(unknown), [code]);
  }
});

test("an upstream that cannot be reached is told as such", async (t) => {
  const world = await createPullWorld(t);
  await world.addThrough({ url: "http://127.0.0.1:1" });
  const refused = await world.get(`${IMAGE}/manifests/1.0`);
  assert.equal(refused.status, 504);
  assert.deepEqual(await codesOf(refused), ["UNSUPPORTED"]);
  assert.deepEqual(await world.made(IMAGE), [], "nothing is made for what nobody has");
});

test("nothing is made for images that upstream lacks, and it is not asked on and on", async (t) => {
  const world = await createPullWorld(t);
  world.repository.tag("1.0", world.repository.image(["layer"]));
  await world.addThrough();
  const absent = await world.get("cache/library/none/manifests/latest");
  assert.equal(absent.status, 404);
  assert.deepEqual(await codesOf(absent), ["MANIFEST_UNKNOWN"]);
  assert.deepEqual(await world.made("cache/library/none"), []);
  await world.get(`${IMAGE}/manifests/1.0`);
  world.forget();
  for (let time = 0; time < 3; time += 1) {
    const missing = await world.get(`${IMAGE}/manifests/2.0`);
    assert.deepEqual(await codesOf(missing), ["MANIFEST_UNKNOWN"]);
  }
  assert.equal(world.count("HEAD manifests"), 1);
});

test("a prefix ends at a slash, and lists of the remote say what may be pulled", async (t) => {
  const world = await createPullWorld(t);
  world.repository.tag("1.0", world.repository.image(["layer"]));
  await world.addThrough({ includes: ["library/*"], excludes: ["library/b*"] });
  for (const name of ["cachelibrary/app", "cache/other/app", "cache/library/bad", "cache"]) {
    const refused = await world.get(`${name}/manifests/1.0`);
    assert.deepEqual(await codesOf(refused), ["NAME_UNKNOWN"], name);
  }
  assert.deepEqual(world.upstream.requests, []);
  assert.equal((await world.get(`${IMAGE}/manifests/1.0`)).status, 200);
});

test("the nearest of nested caches is asked", async (t) => {
  const world = await createPullWorld(t);
  world.repository.tag("1.0", world.repository.image(["layer"]));
  await world.addThrough({ url: "http://127.0.0.1:1" });
  await world.addThrough({ basePath: "cache-near/deep" });
  assert.equal((await world.get("cache-near/deep/library/app/manifests/1.0")).status, 200);
});

test("a name that is taken is told, and nothing of it is touched", async (t) => {
  const world = await createPullWorld(t);
  world.repository.tag("1.0", world.repository.image(["layer"]));
  await world.addThrough();
  await sql`
    insert into remote (id, domain, type, name, url)
    values (gen_random_uuid(), ${world.domain.num}, 'file.file', ${IMAGE}, 'http://x')`.execute(
    world.ctx.db,
  );
  const refused = await world.get(`${IMAGE}/manifests/1.0`);
  assert.equal(refused.status, 404);
  assert.match(await refused.text(), /NAME_UNKNOWN.*A remote named/);
  assert.deepEqual(await world.made(IMAGE), ["remote"]);
});

test("nobody pushes into a cache", async (t) => {
  const world = await createPullWorld(t);
  world.repository.tag("1.0", world.repository.image(["layer"]));
  await world.addThrough();
  await world.get(`${IMAGE}/manifests/1.0`);
  for (const name of [IMAGE, "cache/mine"]) {
    const refused = await world.ask("POST", `/v2/${name}/blobs/uploads/`);
    assert.equal(refused.status, 405);
    assert.deepEqual(await codesOf(refused), ["UNSUPPORTED"]);
  }
});

test("caches follow their remote to another address and other credentials", async (t) => {
  const world = await createPullWorld(t, FRESH);
  const { repository: upstream } = world;
  const image = upstream.image(["layer"]);
  upstream.tag("1.0", image);
  const { remote } = await world.addThrough();
  await world.get(`${IMAGE}/manifests/1.0`);
  const guarded = `/v2/library/app/manifests/1.0`;
  const seen: (string | undefined)[] = [];
  world.upstream.on(guarded, (request, response) => {
    seen.push(request.headers.authorization);
    const given = request.headers.authorization;
    (given ? upstream.answer(request) : answer.status(401, { "www-authenticate": "Basic" }))(
      request,
      response,
    );
  });
  const values = { username: "ann", password: "s3cret" };
  await updateRemote(world.ctx, { domain: world.domain, id: remote, values });
  assert.equal((await world.get(`${IMAGE}/manifests/1.0`)).status, 200);
  const basic = `Basic ${Buffer.from("ann:s3cret").toString("base64")}`;
  assert.deepEqual(seen, [undefined, basic]);
});

test("containerd names the registry that it wants", async (t) => {
  const world = await createPullWorld(t);
  const image = world.repository.image(["layer"]);
  world.repository.tag("1.0", image);
  await world.addThrough();
  const host = new URL(world.upstream.url).host;
  const query = `?ns=${encodeURIComponent(host)}`;
  for (let time = 0; time < 2; time += 1) {
    const pulled = await world.get(`library/app/manifests/1.0${query}`);
    assert.equal(pulled.status, 200);
    assert.equal(await pulled.text(), image.body);
    assert.equal(pulled.headers.get("oci-namespace"), host);
  }
  const blob = await world.get(`library/app/blobs/${digestOf("layer")}${query}`);
  assert.equal(await blob.text(), "layer");
  assert.deepEqual(await world.made(IMAGE), ["distribution", "remote", "repository"]);
  assert.deepEqual(await codesOf(await world.get("library/app/manifests/1.0?ns=other.example")), [
    "NAME_UNKNOWN",
  ]);
});

test("wrong bytes of an upstream are not passed on as a manifest or as a layer", async (t) => {
  const world = await createPullWorld(t);
  const { repository: upstream } = world;
  const image = upstream.image(["layer"]);
  upstream.tag("1.0", image);
  await world.addThrough();
  world.upstream.on(manifestPath(image), answer.file(upstream.image(["other"]).body));
  const refused = await world.get(`${IMAGE}/manifests/1.0`);
  assert.equal(refused.status, 502);
  world.upstream.on(manifestPath(image), answer.file(image.body));
  assert.equal((await world.get(`${IMAGE}/manifests/1.0`)).status, 200);
  world.upstream.on(`/v2/library/app/blobs/${digestOf("layer")}`, answer.corrupted("layer"));
  await assert.rejects(async () => {
    const blob = await world.get(`${IMAGE}/blobs/${digestOf("layer")}`);
    assert.equal(blob.status, 200);
    await blob.text();
  });
});

test("a blob that no manifest named yet comes through, too", async (t) => {
  const world = await createPullWorld(t);
  const { repository: upstream } = world;
  upstream.tag("1.0", upstream.image(["layer"]));
  upstream.blob("another");
  await world.addThrough();
  await world.get(`${IMAGE}/manifests/1.0`);
  const blob = await world.get(`${IMAGE}/blobs/${digestOf("another")}`);
  assert.equal(await blob.text(), "another");
  const missing = await world.get(`${IMAGE}/blobs/${digestOf("none")}`);
  assert.deepEqual(await codesOf(missing), ["BLOB_UNKNOWN"]);
});

test("what refers to an image is found through the cache", async (t) => {
  const world = await createPullWorld(t, { fake: { hasReferrers: true } });
  const { repository: upstream } = world;
  const image = upstream.image(["layer"]);
  upstream.tag("1.0", image);
  const sbom = upstream.attach(image, "an SBOM");
  await world.addThrough();
  await world.get(`${IMAGE}/manifests/1.0`);
  for (let time = 0; time < 2; time += 1) {
    const answer = await world.get(`${IMAGE}/referrers/${image.digest}`);
    const { manifests } = (await answer.json()) as { manifests: { digest: string }[] };
    assert.deepEqual(
      manifests.map(({ digest }) => digest),
      [sbom.digest],
    );
  }
  assert.equal(world.count("GET referrers"), 1);
  const blob = await world.get(`${IMAGE}/blobs/${digestOf("an SBOM")}`);
  assert.equal(await blob.text(), "an SBOM");
});

test("tags of a cache are listed page by page, and without upstream those that are here", async (t) => {
  const world = await createPullWorld(t, FRESH);
  const { repository: upstream } = world;
  const image = upstream.image(["layer"]);
  for (const tag of ["c", "a", "b"]) upstream.tag(tag, image);
  await world.addThrough();
  const first = await world.get(`${IMAGE}/tags/list?n=2`);
  assert.deepEqual(await first.json(), { name: IMAGE, tags: ["a", "b"] });
  const next = /<(.*)>/.exec(first.headers.get("link") ?? "")?.[1] ?? "";
  assert.deepEqual(await (await world.ask("GET", next)).json(), { name: IMAGE, tags: ["c"] });
  await world.get(`${IMAGE}/manifests/b`);
  world.upstream.on("/v2/library/app/tags/list", answer.status(500));
  const listed = await (await world.get(`${IMAGE}/tags/list`)).json();
  assert.deepEqual(listed, { name: IMAGE, tags: ["b"] });
});

test("signatures of an upstream are passed on through the cache", async (t) => {
  const world = await createPullWorld(t);
  const image = world.repository.image(["layer"]);
  world.repository.tag("1.0", image);
  await world.addThrough();
  await world.get(`${IMAGE}/manifests/1.0`);
  const path = `/extensions/v2/${IMAGE}/signatures/${image.digest}`;
  const before = await (await world.ask("GET", path)).json();
  assert.deepEqual(before, { signatures: [] }, "it has no such extension");

  const other = await createPullWorld(t);
  other.repository.tag("1.0", other.repository.image(["layer"]));
  other.upstream.on("/v2/", answer.status(200, { "x-registry-supports-signatures": "1" }));
  const name = `${image.digest}@${"ab".repeat(16)}`;
  const content = signedMessage(signedPayload(image.digest)).toString("base64");
  const item = { schemaVersion: 2, type: "atomic", name, content };
  const theirs = `/extensions/v2/library/app/signatures/${image.digest}`;
  other.upstream.on(theirs, answer.file(JSON.stringify({ signatures: [item] })));
  await other.addThrough();
  await other.get(`${IMAGE}/manifests/1.0`);
  for (let time = 0; time < 2; time += 1) {
    const answered = await other.ask("GET", path);
    assert.deepEqual(await answered.json(), { signatures: [item] });
  }
  assert.equal(other.upstream.asked(theirs).length, 1);
});

test("a cache whose distribution was deleted goes on where it was", async (t) => {
  const world = await createPullWorld(t, FRESH);
  const image = world.repository.image(["layer"]);
  world.repository.tag("1.0", image);
  await world.addThrough();
  const pull = async () => (await world.get(`${IMAGE}/manifests/1.0`)).status;
  assert.equal(await pull(), 200);
  const { rows } = await sql<{ id: string; repository: string }>`
    select id, repository from distribution where base_path = ${IMAGE}`.execute(world.ctx.db);
  const href = `/pulp/api/v3/distributions/container/container/${rows[0]?.id}/`;
  const rest = { ...world, get: (path: string) => world.request("GET", path) };
  const gone = await endedTask(rest, await world.request("DELETE", href));
  assert.equal(gone.state, "completed");
  assert.deepEqual(await world.made(IMAGE), ["remote", "repository"]);
  await sql`update remote set url = 'http://elsewhere.test/' where name = ${IMAGE}`.execute(
    world.ctx.db,
  );
  assert.equal(await pull(), 404, "what is of another upstream is no cache of this one");
  await sql`update remote set url = ${world.upstream.url} where name = ${IMAGE}`.execute(
    world.ctx.db,
  );

  assert.equal(await pull(), 200);

  const again = await sql<{ repository: string }>`
    select repository from distribution where base_path = ${IMAGE}`.execute(world.ctx.db);
  assert.equal(again.rows[0]?.repository, rows[0]?.repository);
});

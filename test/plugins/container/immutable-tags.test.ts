import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { endedTask } from "../../support/run-tasks.ts";
import { createMirrorWorld } from "./mirror-world.ts";
import { codesOf, createRegistryWorld, OCI_INDEX, type RegistryWorld } from "./registry-world.ts";
import { idOf, latestMembers, REPOSITORIES } from "./support.ts";

const NAME = "team/app";

/** A repository with the tags `v1`, `v1-rc` and `main`, of which `v*` stay but for `*-rc`. */
async function createWorld(t: TestContext) {
  const world = await createRegistryWorld(t);
  const digest = await world.pushImage(NAME, "v1", "first");
  await world.pushImage(NAME, "v1-rc", "candidate");
  await world.pushImage(NAME, "main", "main");
  const { body } = await world.get(`${REPOSITORIES}?name=${NAME}`);
  const href: string = body.results[0].pulp_href;
  const rule = async (json: object) => {
    const answer = await world.request("PATCH", href, { json });
    if (answer.status === 202) assert.equal((await endedTask(world, answer)).state, "completed");
    return answer;
  };
  await rule({ immutable_tags: ["v*"], immutable_tags_except: ["*-rc"] });
  return { world, digest, href, rule };
}

const headOf = async (world: RegistryWorld, reference: string): Promise<string | null> =>
  (await world.ask("HEAD", `/v2/${NAME}/manifests/${reference}`)).headers.get(
    "docker-content-digest",
  );

async function manifestOf(world: RegistryWorld, text: string): Promise<object> {
  const digest = await world.pushImage(NAME, "scratch", text);
  return (await (await world.ask("GET", `/v2/${NAME}/manifests/${digest}`)).json()) as object;
}

test("a push that would move an immutable tag is refused and says by which rule", async (t) => {
  const { world, digest } = await createWorld(t);
  const other = await manifestOf(world, "other");

  const moved = await world.pushManifest(NAME, "v1", other);
  const problem = (await moved.json()) as { errors: { code: string; message: string }[] };

  assert.equal(moved.status, 409);
  assert.equal(problem.errors[0]?.code, "DENIED");
  assert.match(problem.errors[0]?.message ?? "", /'v1' .* matches 'v\*'/);
  assert.equal(await headOf(world, "v1"), digest);
  assert.equal(await world.pushImage(NAME, "v1", "first"), digest, "the same image may come again");
  assert.equal((await world.pushManifest(NAME, "v2", other)).status, 201, "a new one may come");
  assert.equal((await world.pushManifest(NAME, "v1-rc", other)).status, 201);
  assert.equal((await world.pushManifest(NAME, "main", other)).status, 201);
});

test("of pushes at the same time only those are refused that a rule is against", async (t) => {
  const { world, digest } = await createWorld(t);
  const other = await manifestOf(world, "other");

  const answers = await Promise.all(
    ["a", "v1", "b", "v1", "c"].map((tag) => world.pushManifest(NAME, tag, other)),
  );

  assert.deepEqual(
    answers.map(({ status }) => status),
    [201, 409, 201, 409, 201],
  );
  assert.equal(await headOf(world, "v1"), digest);
  assert.notEqual(await headOf(world, "c"), null);
});

test("what an immutable tag names and needs cannot be deleted either", async (t) => {
  const { world, digest } = await createWorld(t);
  const child = await world.pushImage(NAME, "part", "part");
  const index = {
    ...{ schemaVersion: 2, mediaType: OCI_INDEX },
    manifests: [
      { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: child, size: 2 },
    ],
  };
  assert.equal((await world.pushManifest(NAME, "v2", index)).status, 201);
  assert.equal((await world.ask("DELETE", `/v2/${NAME}/manifests/part`)).status, 202);
  const image = (await (await world.ask("GET", `/v2/${NAME}/manifests/${child}`)).json()) as {
    layers: { digest: string }[];
  };

  const refused = [
    `manifests/v1`,
    `manifests/${digest}`,
    `manifests/${child}`,
    `blobs/${image.layers[0]?.digest}`,
  ];
  for (const path of refused) {
    const answer = await world.ask("DELETE", `/v2/${NAME}/${path}`);
    assert.deepEqual([path, answer.status, await codesOf(answer)], [path, 409, ["DENIED"]]);
  }
  assert.equal((await world.ask("DELETE", `/v2/${NAME}/manifests/main`)).status, 202);
  assert.equal((await world.ask("GET", `/v2/${NAME}/manifests/${child}`)).status, 200);
});

test("the REST API refuses the same, until the rule is taken off", async (t) => {
  const { world, digest, href, rule } = await createWorld(t);
  const main = await headOf(world, "main");
  const refusals = [
    ["tag", { tag: "v1", digest: main }],
    ["untag", { tag: "v1" }],
    ["remove_image", { digest }],
  ] as const;

  for (const [action, json] of refusals) {
    const answer = await world.post(`${href}${action}/`, json);
    assert.equal(answer.status, 400, action);
    assert.match(answer.text, /matches 'v\*' of the repository's immutable_tags/);
  }
  const all = await endedTask(world, await world.post(`${href}remove/`, { content_units: ["*"] }));
  assert.equal(all.state, "failed");
  assert.match(JSON.stringify(all.error), /'v1' can be neither moved nor removed/);
  const same = await endedTask(world, await world.post(`${href}tag/`, { tag: "v1", digest }));
  assert.equal(same.state, "completed", "the tag means it already");

  const { body } = await world.get(href);
  assert.deepEqual(body.immutable_tags, ["v*"]);
  await rule({ immutable_tags: [] });
  const untagged = await endedTask(world, await world.post(`${href}untag/`, { tag: "v1" }));
  assert.equal(untagged.state, "completed");
  const members = await latestMembers(world.ctx, idOf(href));
  assert.ok(!members.some((member) => member.startsWith("v1 →")));
});

test("patterns are checked, and a repository without any has none", async (t) => {
  const { world, rule } = await createWorld(t);
  for (const immutable_tags of [["x".repeat(256)], [""], "v*", ["a\u0000"], Array(101).fill("a")])
    assert.equal((await rule({ immutable_tags })).status, 400);
  await world.pushImage("team/free", "v1", "a");
  const { body } = await world.get(`${REPOSITORIES}?name=team/free`);
  assert.deepEqual(body.results[0].immutable_tags, []);
  await world.pushImage("team/free", "v1", "b");
});

test("a repository without a rule pays nothing for rules, and one with a rule a statement", async (t) => {
  const { world, rule } = await createWorld(t);
  const bodies = [await manifestOf(world, "one"), await manifestOf(world, "two")];
  const move = (n: number) =>
    world.statementsOf(async () => {
      const { status } = await world.pushManifest(NAME, "main", bodies[n] ?? {});
      assert.equal(status, 201);
    });
  await move(0);
  const ruled = await move(1);
  await rule({ immutable_tags: [] });
  await move(0);

  const free = await move(1);

  assert.equal(free.filter((text) => /with recursive closed/.test(text)).length, 0);
  assert.equal(ruled.filter((text) => /with recursive closed/.test(text)).length, 1);
  assert.equal(free.filter((text) => text.includes("immutable_tags")).length, 1);
});

test("a sync that would move an immutable tag fails, and the repository stays as it was", async (t) => {
  const world = await createMirrorWorld(t);
  const { repository: upstream } = world;
  upstream.tag("v1", upstream.image(["one"]));
  upstream.tag("main", upstream.image(["main"]));
  const remote = await world.addRemote();
  const repository = await world.addRepository();
  await world.ctx.db
    .updateTable("container_repository" as never)
    .set({ immutable_tags: JSON.stringify(["v*"]) } as never)
    .execute();
  await world.sync({ remote, repository });
  const before = await world.tags(repository);

  upstream.tag("v1", upstream.image(["two"]));
  await assert.rejects(world.sync({ remote, repository, mirror: true }), /'v1' can be neither/);

  assert.deepEqual(await world.tags(repository), before);
  assert.deepEqual(await world.versions(repository), [0, 1]);
});

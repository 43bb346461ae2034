import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { commitPush } from "#plugins/container/commit.ts";
import { saveSignatures } from "#plugins/container/save.ts";
import { endedTask } from "../../support/run-tasks.ts";
import { digestOf, imageOf, indexOf, putImage, putManifest, putTag } from "./images.ts";
import {
  createContainerApi,
  idOf,
  latestMembers,
  made,
  REPOSITORIES,
  versionNumbers,
} from "./support.ts";

const CONTENT = "/pulp/api/v3/content/container/";
const manifestHref = (id: string) => `${CONTENT}manifests/${id}/`;
const tagHref = (id: string) => `${CONTENT}tags/${id}/`;

/**
 * Images `a` and `b` share the layer `base`; index `i` is over both; `a` is tagged `a`, the index is
 * tagged `i`, and `a` is signed.
 */
async function createWorld(t: TestContext) {
  const api = await createContainerApi(t);
  const specs = {
    a: { layers: ["base", "only a"], architecture: "amd64" },
    b: { layers: ["base", "only b"], architecture: "arm64" },
  };
  const [a, b] = [await putImage(api, specs.a), await putImage(api, specs.b)];
  const index = indexOf([imageOf(specs.a).facts, imageOf(specs.b).facts]);
  const i = await putManifest(api, index);
  const tags = { a: await putTag(api, "a", a.manifest), i: await putTag(api, "i", i) };
  const signatures = [
    {
      ...{ name: `${a.digest}@${"0".repeat(32)}`, digest: `sha256:${"1".repeat(64)}` },
      ...{ keyId: "ABCDEF0123456789", fingerprint: null, timestamp: 1, creator: "" },
      ...{ manifest: a.manifest, body: Buffer.from("x") },
    },
  ];
  const [signature] = await saveSignatures(api.ctx, api.domain, { signatures });
  const repository = async (name: string) => {
    const { pulp_href: href } = await made(api, REPOSITORIES, { name });
    return { href: String(href), id: idOf(href) };
  };
  return {
    ...{ api, a, b, i, index, tags, signature: signature?.id ?? "", repository },
    /** A repository with all of it. */
    async full(name: string) {
      const made = await repository(name);
      const add = [...a.units, ...b.units, i, signature?.id ?? ""];
      const named = new Map([
        ["a", tags.a],
        ["i", tags.i],
      ]);
      await commitPush(api.ctx, made.id, { caller: api.caller, add, tags: named });
      return made;
    },
    members: (id: string) => latestMembers(api.ctx, id),
    async act(repository: { href: string }, action: string, json: object) {
      const task = await endedTask(api, await api.post(`${repository.href}${action}/`, json));
      assert.equal(task.state, "completed", JSON.stringify(task.error));
      return task;
    },
    async refuse(repository: { href: string }, action: string, json: object) {
      const answer = await api.post(`${repository.href}${action}/`, json);
      assert.equal(answer.status, 400, answer.text);
      return JSON.stringify(answer.body);
    },
  };
}

test("add takes along what a unit needs, and no signatures", async (t) => {
  const world = await createWorld(t);
  const { a, b, index, tags } = world;
  const repository = await world.repository("r");

  const task = await world.act(repository, "add", { content_units: [tagHref(tags.i)] });

  assert.equal(task.name, "pulp_container.app.tasks.recursive_add.recursive_add_content");
  const members = await world.members(repository.id);
  assert.equal(members.length, 2 + 2 + 1 + 3 + 1);
  assert.ok(members.includes(`i → ${index.digest}`));
  assert.ok([a.digest, b.digest, digestOf("only a")].every((one) => members.includes(one)));
  assert.ok(!members.some((one) => one.includes("@")));

  const unknown = manifestHref("019b0000-0000-7000-8000-000000000000");
  assert.match(await world.refuse(repository, "add", { content_units: [unknown] }), /not find/);
  assert.match(await world.refuse(repository, "add", { content_units: [5] }), /valid string/);
});

test("a newer tag of the same name takes the place of the older one", async (t) => {
  const world = await createWorld(t);
  const repository = await world.full("r");
  const other = await putTag(world.api, "a", world.b.manifest);

  await world.act(repository, "add", { content_units: [tagHref(other)] });

  const members = await world.members(repository.id);
  assert.deepEqual(
    members.filter((one) => one.startsWith("a →")),
    [`a → ${world.b.digest}`],
  );
  assert.ok(members.includes(world.a.digest), "its manifest stays");
});

test("remove goes from the top down, and leaves what others need", async (t) => {
  const world = await createWorld(t);
  const { a, b, i, index, tags } = world;
  const repository = await world.full("r");

  const kept = await world.act(repository, "remove", { content_units: [manifestHref(b.manifest)] });
  assert.deepEqual((kept as unknown as { result: object }).result, {
    kept: [`prn:container.manifest:${b.manifest}`],
  });
  assert.deepEqual(await versionNumbers(world.api.ctx, repository.id), [0, 1]);

  await world.act(repository, "remove", { content_units: [tagHref(tags.i)] });
  const members = await world.members(repository.id);
  assert.ok(!members.includes(index.digest) && !members.includes(b.digest));
  assert.ok(!members.includes(digestOf("only b")));
  assert.ok([a.digest, digestOf("only a"), digestOf("base")].every((one) => members.includes(one)));

  await world.act(repository, "remove", {
    content_units: [tagHref(tags.a), manifestHref(a.manifest), manifestHref(i)],
  });
  assert.deepEqual(await world.members(repository.id), [], "signatures go, too");
});

test("remove of everything, and of everything and something", async (t) => {
  const world = await createWorld(t);
  const repository = await world.full("r");

  const units = ["*", tagHref(world.tags.a)];
  assert.match(await world.refuse(repository, "remove", { content_units: units }), /only item/);
  await world.act(repository, "remove", { content_units: ["*"] });

  assert.deepEqual(await world.members(repository.id), []);
});

test("copies take tags by name, and manifests by digest and type", async (t) => {
  const world = await createWorld(t);
  const { a, b, index } = world;
  const source = await world.full("source");
  const [byTag, byDigest, byType, all] = await Promise.all(
    ["1", "2", "3", "4"].map((name) => world.repository(name)),
  );
  assert.ok(byTag && byDigest && byType && all);
  const from = { source_repository: source.href };

  await world.act(byTag, "copy_tags", { ...from, names: ["a", "nothing"] });
  await world.act(byDigest, "copy_manifests", {
    ...{ source_repository_version: `${source.href}versions/1/`, digests: [b.digest] },
  });
  await world.act(byType, "copy_manifests", {
    ...{ ...from, media_types: ["application/vnd.oci.image.index.v1+json"] },
  });
  await world.act(all, "copy_tags", { ...from, names: null });

  assert.ok((await world.members(byTag.id)).includes(`a → ${a.digest}`));
  assert.equal((await world.members(byTag.id)).length, 5);
  assert.equal((await world.members(byDigest.id)).length, 4);
  assert.ok((await world.members(byType.id)).includes(index.digest));
  assert.equal((await world.members(byType.id)).filter((one) => one.includes(" → ")).length, 0);
  assert.equal((await world.members(all.id)).filter((one) => one.includes(" → ")).length, 2);
  assert.match(await world.refuse(all, "copy_tags", {}), /needs to be specified/);
  const both = { ...from, source_repository_version: `${source.href}versions/1/` };
  assert.match(await world.refuse(all, "copy_tags", both), /but not both/);
  assert.match(
    await world.refuse(all, "copy_manifests", { ...from, media_types: ["x"] }),
    /not a valid choice/,
  );
});

test("tag and untag name what the latest version has", async (t) => {
  const world = await createWorld(t);
  const { b, tags } = world;
  const repository = await world.full("r");

  const task = await world.act(repository, "tag", { tag: "_new", digest: b.digest });
  assert.equal(task.name, "pulp_container.app.tasks.tag.tag_image");
  assert.match(task.created_resources.join(), /content\/container\/tags\/.*versions\/2\//);
  assert.ok((await world.members(repository.id)).includes(`_new → ${b.digest}`));
  const again = await world.act(repository, "tag", { tag: "_new", digest: b.digest });
  assert.deepEqual(again.created_resources, []);

  await world.act(repository, "untag", { tag: "a" });
  assert.ok(!(await world.members(repository.id)).some((one) => one.startsWith("a →")));
  assert.match(
    await world.refuse(repository, "untag", { tag: "a" }),
    /'a' does not exist in the latest/,
  );
  assert.match(
    await world.refuse(repository, "tag", { tag: "x", digest: digestOf("?") }),
    /manifest with the digest .* does not exist in the latest repository version '\/pulp\/api/,
  );
  for (const tag of ["-x", ".x", "a/b", "x".repeat(129)]) {
    assert.match(
      await world.refuse(repository, "tag", { tag, digest: b.digest }),
      /not valid/,
      tag,
    );
  }
  assert.ok(tags.a);
});

test("an image goes although an index lists it; signatures go by their key", async (t) => {
  const world = await createWorld(t);
  const { a, index } = world;
  const [one, two] = [await world.full("1"), await world.full("2")];

  await world.act(one, "remove_image", { digest: a.digest });
  const members = await world.members(one.id);
  assert.ok(!members.includes(a.digest) && !members.some((text) => text.startsWith("a →")));
  assert.ok(!members.some((text) => text.includes("@")));
  assert.ok(members.includes(index.digest) && members.includes(digestOf("base")));

  await world.act(two, "remove_signatures", { signed_with_key_id: "ABCDEF0123456789" });
  assert.ok((await world.members(two.id)).includes(a.digest));
  assert.match(
    await world.refuse(two, "remove_signatures", { signed_with_key_id: "ABCDEF0123456789" }),
    /There are no signatures in the latest repository version/,
  );
});

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createRepository } from "#core/repositories/commands.ts";
import { commitPush } from "#plugins/container/commit.ts";
import { saveSignatures } from "#plugins/container/save.ts";
import type { TestApi } from "../../support/rest-api.ts";
import { endedTask } from "../../support/run-tasks.ts";
import { imageOf, indexOf, putImage, putManifest, putTag } from "./images.ts";
import {
  createContainerApi,
  DISTRIBUTIONS,
  idOf,
  latestMembers,
  made,
  NAMESPACES,
  PULL_THROUGH_DISTRIBUTIONS,
  PULL_THROUGH_REMOTES,
  REMOTES,
  REPOSITORIES,
} from "./support.ts";

/** The body of a refused request. */
const refused = async (api: TestApi, path: string, json: object, method = "POST") => {
  const answer = await api.request(method, path, { json });
  assert.equal(answer.status, 400, answer.text);
  return answer.body;
};

/** A tagged index over a signed image, and the lists of content. */
async function createContent(t: TestContext) {
  const api = await createContainerApi(t);
  const { ctx, caller } = api;
  const repository = await made(api, REPOSITORIES, { name: "r" });
  const labels = { "containers.bootc": "1" };
  const image = await putImage(api, { layers: ["a", "bc"], labels, architecture: "arm64" });
  const { facts } = imageOf({ layers: ["a", "bc"], labels, architecture: "arm64" });
  const index = await putManifest(api, indexOf([facts], { artifactType: "a/b" }));
  const tags = new Map([["1", await putTag(api, "1", index)]]);
  const [signature] = await saveSignatures(ctx, api.domain, {
    signatures: [
      {
        name: `${image.digest}@${"0".repeat(32)}`,
        digest: `sha256:${"1".repeat(64)}`,
        keyId: "ABCDEF0123456789",
        fingerprint: null,
        timestamp: 1_700_000_000,
        creator: "me",
        manifest: image.manifest,
        body: Buffer.from("x"),
      },
    ],
  });
  const add = [...image.units, index, signature?.id ?? ""];
  await commitPush(ctx, idOf(repository.pulp_href), { caller, add, tags });
  const found = async (path: string) => {
    const { status, body, text } = await api.get(`content/container/${path}`);
    assert.equal(status, 200, text);
    return body.results;
  };
  return { api, repository, image, facts, labels, found };
}

test("content shows what it holds and is found by it", async (t) => {
  const { api, repository, image, facts, labels, found } = await createContent(t);
  const version = `${repository.versions_href}1/`;

  const [manifest] = await found(`manifests/?digest=${image.digest}`);
  assert.partialDeepStrictEqual(manifest, {
    digest: image.digest,
    schema_version: 2,
    media_type: "application/vnd.oci.image.manifest.v1+json",
    listed_manifests: [],
    config_blob: `/pulp/api/v3/content/container/blobs/${image.blobs[0]}/`,
    blobs: [1, 2].map((n) => `/pulp/api/v3/content/container/blobs/${image.blobs[n]}/`),
    labels,
    type: "bootable",
    is_bootable: true,
    is_flatpak: false,
    architecture: "arm64",
    os: "linux",
    compressed_image_size: 3,
    artifact_type: "application/vnd.oci.image.config.v1+json",
    subject: null,
  });
  const [list] = await found("manifests/?artifact_type=a/b");
  assert.partialDeepStrictEqual(list, {
    type: "index",
    is_bootable: true,
    listed_manifests: [manifest.pulp_href],
    config_blob: null,
    compressed_image_size: null,
  });
  assert.equal((await found("manifests/?is_bootable=true")).length, 2);
  assert.equal((await found("manifests/?architecture=arm64&os=linux")).length, 1);
  assert.equal(
    (await found(`manifests/?media_type=${encodeURIComponent(list.media_type)}`)).length,
    1,
  );
  const both = [list, manifest].map(({ media_type: type }) => `media_type=${type}`).join("&");
  assert.equal((await found(`manifests/?${both.replaceAll("+", "%2B")}`)).length, 2);

  const [tag] = await found(`tags/?digest=${list.digest}`);
  assert.deepEqual([tag.name, tag.tagged_manifest], ["1", list.pulp_href]);
  assert.equal((await found(`tags/?name__regex=^[0-9]$&repository_version=${version}`)).length, 1);
  assert.equal(
    (await found("tags/?media_type=application/vnd.oci.image.index.v1%2Bjson")).length,
    1,
  );

  const [signed] = await found(`signatures/?manifest=${image.digest}&key_id=ABCDEF0123456789`);
  assert.partialDeepStrictEqual(signed, {
    type: "atomic",
    timestamp: 1_700_000_000,
    creator: "me",
    fingerprint: null,
    signed_manifest: manifest.pulp_href,
  });
  const [blob] = await found(`blobs/?digest=${facts.references[1]?.digest}`);
  assert.equal(blob.size, 1);
  assert.match(blob.artifact, /artifacts/);
  const bad = await api.get("content/container/manifests/?media_type=text/html");
  assert.equal(bad.status, 400);
  const label = await api.post(`${blob.pulp_href}set_label/`, { key: "a", value: "b" });
  assert.equal(label.status, 201);
  assert.equal((await found("blobs/?pulp_label_select=a=b")).length, 1);
});

test("a distribution brings its namespace and its guard, and paths may lie in one another", async (t) => {
  const api = await createContainerApi(t);
  const repository = await made(api, REPOSITORIES, { name: "r" });

  const outer = await made(api, DISTRIBUTIONS, { name: "outer", base_path: "foo" });
  const inner = await made(api, DISTRIBUTIONS, {
    ...{ name: "inner", base_path: "foo/bar", repository: repository.pulp_href, private: true },
    description: "text",
  });

  assert.equal(inner.namespace, outer.namespace);
  assert.equal(inner.content_guard, outer.content_guard);
  assert.equal((await api.get(inner.content_guard)).body.name, "content redirect");
  assert.equal((await api.get(inner.namespace)).body.name, "foo");
  const { registry_path: path, private: isPrivate, description, remote } = inner;
  assert.deepEqual(
    [path, isPrivate, description, remote],
    ["deckle.example/foo/bar", true, "text", null],
  );
  assert.equal(inner.base_url, undefined);
  const byName = await api.get(`${DISTRIBUTIONS}?namespace__name=foo`);
  assert.equal(byName.body.count, 2);

  for (const [json, problem] of [
    [{ name: "x", base_path: "foo" }, { base_path: ["This field must be unique."] }],
    [
      { name: "x", base_path: "Foo" },
      { base_path: ["The provided base path contains forbidden characters."] },
    ],
    [
      { name: "x", base_path: "f".repeat(256) },
      { base_path: ["The entered base path cannot be longer than 255 characters."] },
    ],
  ] as const) {
    assert.deepEqual(await refused(api, DISTRIBUTIONS, json), problem);
  }
  const moved = await api.request("PATCH", inner.pulp_href, { json: { base_path: "other/bar" } });
  assert.equal((await endedTask(api, moved)).state, "completed");
  const other = await api.get((await api.get(inner.pulp_href)).body.namespace);
  assert.equal(other.body.name, "other");
});

test("a distribution takes the repository of pushes along, and none that is kept", async (t) => {
  const api = await createContainerApi(t);
  const remote = await made(api, REMOTES, {
    name: "m",
    url: "https://a.example",
    upstream_name: "x",
  });
  const serve = async (name: string, more: object = {}) => {
    const repository = await made(api, REPOSITORIES, { name, ...more });
    const distribution = await made(api, DISTRIBUTIONS, {
      ...{ name, base_path: `ns/${name}`, repository: repository.pulp_href },
    });
    return { repository: repository.pulp_href, distribution: distribution.pulp_href };
  };
  const remove = async (path: string) => endedTask(api, await api.request("DELETE", path));
  const exists = async (path: string) => (await api.get(path)).status === 200;

  const pushed = await serve("pushed");
  const task = await remove(pushed.distribution);
  assert.equal(task.state, "completed", JSON.stringify(task.error));
  assert.equal(task.name, "pulpcore.app.tasks.base.general_multi_delete");
  assert.deepEqual(
    [await exists(pushed.distribution), await exists(pushed.repository)],
    [false, false],
  );
  const kept = await serve("kept");
  await remove(`${kept.distribution}?keep_repository=true`);
  assert.equal(await exists(kept.repository), true);
  const mirrored = await serve("mirrored", { remote: remote.pulp_href });
  await remove(mirrored.distribution);
  assert.equal(await exists(mirrored.repository), true);
  const twice = await serve("twice");
  await made(api, DISTRIBUTIONS, { name: "2", base_path: "ns/2", repository: twice.repository });
  await remove(twice.distribution);
  assert.equal(await exists(twice.repository), true);

  const { body } = await api.get(`${NAMESPACES}?name=ns`);
  const ended = await remove(body.results[0].pulp_href);
  assert.equal(ended.state, "completed", JSON.stringify(ended.error));
  assert.equal(await exists(twice.repository), false);
  assert.equal((await api.get(`${DISTRIBUTIONS}`)).body.count, 0);
  assert.equal((await api.get(NAMESPACES)).body.count, 0);
});

test("namespaces are made once, and carry labels", async (t) => {
  const api = await createContainerApi(t);
  const one = await made(api, NAMESPACES, { name: "foo", pulp_labels: { a: "b" } });

  assert.deepEqual(one.pulp_labels, { a: "b" });
  assert.equal((await api.get(`${NAMESPACES}?pulp_label_select=a=b`)).body.count, 1);
  assert.deepEqual(await refused(api, NAMESPACES, { name: "foo" }), {
    name: ["This field must be unique."],
  });
  for (const name of ["Foo", "a/b", "-", "x".repeat(256)]) {
    assert.ok("name" in (await refused(api, NAMESPACES, { name })), name);
  }
});

test("a namespace says whether what is made in it is private, and keeps its name", async (t) => {
  const api = await createContainerApi(t);
  const one = await made(api, NAMESPACES, { name: "foo", private_by_default: true });
  const distribution = async (base_path: string, more: object = {}) =>
    (await made(api, DISTRIBUTIONS, { name: base_path, base_path, ...more })).private;

  assert.equal(one.private_by_default, true);
  assert.equal(await distribution("foo/a"), true);
  assert.equal(await distribution("foo/b", { private: false }), false);
  assert.equal(await distribution("bar/a"), false);
  const json = { pulp_labels: { a: "b" }, private_by_default: false };
  const changed = await api.request("PATCH", one.pulp_href, { json });
  assert.equal(changed.status, 200, changed.text);
  assert.partialDeepStrictEqual(changed.body, { name: "foo", ...json });
  assert.equal(await distribution("foo/c"), false);
  const whole = await api.request("PUT", one.pulp_href, { json: { name: "foo", ...json } });
  assert.equal(whole.status, 200, whole.text);
  assert.ok("name" in (await refused(api, one.pulp_href, { name: "other" }, "PATCH")));
});

test("remotes take filters under old and new names, and lose them by an empty list", async (t) => {
  const api = await createContainerApi(t);
  const base = { url: "https://a.example", upstream_name: "x" };
  const remote = await made(api, REMOTES, {
    ...{ ...base, name: "r", includes: ["1*"], include_tags: ["2*"], exclude_tags: ["*-rc"] },
  });

  assert.deepEqual([remote.includes, remote.excludes], [["1*", "2*"], ["*-rc"]]);
  assert.deepEqual([remote.include_tags, remote.policy], [["1*", "2*"], "immediate"]);
  const patch = async (json: object) => {
    const answer = await api.request("PATCH", remote.pulp_href, { json });
    if (answer.status === 202) await endedTask(api, answer);
    return (await api.get(remote.pulp_href)).body;
  };
  assert.equal((await patch({ include_tags: [] })).includes, null);
  assert.deepEqual((await patch({ include_tags: ["3"] })).includes, ["3"]);
  assert.equal((await patch({ includes: null })).include_tags, null);
  assert.deepEqual((await patch({ platforms: ["linux/amd64"] })).platforms, ["linux/amd64"]);
  assert.ok("platforms" in (await refused(api, remote.pulp_href, { platforms: ["x"] }, "PATCH")));
  assert.equal((await patch({ sigstore: "https://s.example/x" })).sigstore, "https://s.example/x");
  assert.ok("sigstore" in (await refused(api, remote.pulp_href, { sigstore: "ftp://x" }, "PATCH")));
  assert.ok("upstream_name" in (await refused(api, REMOTES, { name: "q", url: base.url })));
  const { upstream_name: _, ...cache } = base;
  const through = { ...cache, name: "c" };
  assert.ok(
    "policy" in (await refused(api, PULL_THROUGH_REMOTES, { ...through, policy: "immediate" })),
  );
  assert.equal((await made(api, PULL_THROUGH_REMOTES, through)).policy, "on_demand");
});

test("a pull-through distribution needs its remote, a free path, and names what it made", async (t) => {
  const api = await createContainerApi(t);
  const remote = await made(api, PULL_THROUGH_REMOTES, { name: "c", url: "https://a.example" });
  const child = await made(api, DISTRIBUTIONS, { name: "child", base_path: "other/x" });
  const json = { name: "cache", base_path: "cache", remote: remote.pulp_href };

  const cache = await made(api, PULL_THROUGH_DISTRIBUTIONS, {
    ...{ ...json, distributions: [child.pulp_href] },
  });

  assert.deepEqual(cache.distributions, [child.pulp_href]);
  assert.equal(cache.remote, remote.pulp_href);
  const nested = { ...json, name: "2", base_path: "cache/x" };
  assert.deepEqual(await refused(api, PULL_THROUGH_DISTRIBUTIONS, nested), {
    base_path: ["Overlaps with existing distribution 'cache'"],
  });
  const { remote: _, ...without } = json;
  assert.ok("remote" in (await refused(api, PULL_THROUGH_DISTRIBUTIONS, without)));
  const below = await made(api, DISTRIBUTIONS, { name: "below", base_path: "cache/library/x" });
  assert.equal(below.base_path, "cache/library/x");
});

test("a repository of pushes can only be changed, and becomes an ordinary one", async (t) => {
  const api = await createContainerApi(t);
  const { ctx, domain } = api;
  const { id } = await createRepository(ctx, {
    domain,
    type: "container.container-push",
    name: "p",
  });
  const path = `repositories/container/container-push/${id}/`;
  const distribution = await made(api, DISTRIBUTIONS, {
    ...{ name: "p", base_path: "p", repository: `/pulp/api/v3/${path}` },
  });

  assert.equal(
    (await api.post("repositories/container/container-push/", { name: "x" })).status,
    405,
  );
  assert.equal((await api.request("DELETE", path)).status, 405);
  const version = `/pulp/api/v3/${path}versions/0/`;
  const pinned = { name: "v", base_path: "v", repository_version: version };
  assert.match(JSON.stringify(await refused(api, DISTRIBUTIONS, pinned)), /push repository cannot/);
  const task = await endedTask(api, await api.post(`${path}migrate/`, {}));
  assert.equal(task.state, "completed", JSON.stringify(task.error));
  assert.deepEqual(task.created_resources, [`/pulp/api/v3/${REPOSITORIES}${id}/`]);
  const { body } = await api.get(`${REPOSITORIES}${id}/`);
  assert.equal(body.name, "p");
  const served = await api.get(distribution.pulp_href);
  assert.equal(served.body.repository, body.pulp_href);
  assert.deepEqual(await latestMembers(ctx, id), []);
});

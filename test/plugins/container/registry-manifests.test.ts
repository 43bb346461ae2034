import assert from "node:assert/strict";
import { test } from "node:test";
import {
  codesOf,
  createRegistryWorld,
  imageManifest,
  OCI_INDEX,
  OCI_MANIFEST,
  type RegistryWorld,
  sha256,
} from "./registry-world.ts";

const indexOf = (digests: readonly string[], more: object = {}): object => ({
  schemaVersion: 2,
  mediaType: OCI_INDEX,
  manifests: digests.map((digest) => ({ mediaType: OCI_MANIFEST, digest, size: 2 })),
  ...more,
});

const tagsOf = async (world: RegistryWorld, name: string): Promise<readonly string[]> =>
  ((await (await world.ask("GET", `/v2/${name}/tags/list`)).json()) as { tags: string[] }).tags;

async function imageOf(world: RegistryWorld, name: string, text: string): Promise<object> {
  const part = async (bytes: string) => ({
    digest: await world.pushBlob(name, bytes),
    size: bytes.length,
  });
  return imageManifest(await part("{}"), [await part(text)]);
}

test("a manifest is answered under its own type, with what clients keep it by", async (t) => {
  const world = await createRegistryWorld(t);
  const digest = await world.pushImage("team/app", "1");
  const get = (reference: string, headers = {}) =>
    world.ask("GET", `/v2/team/app/manifests/${reference}`, { headers });

  const head = await world.ask("HEAD", "/v2/team/app/manifests/1");
  const byTag = await get("1");
  const byDigest = await get(digest);
  const unchanged = await get(digest, { "if-none-match": `"${digest}"` });
  const refused = await get("1", { accept: OCI_INDEX });
  const weighted = await get("1", { accept: `${OCI_INDEX};q=0.9, ${OCI_MANIFEST};q=0.5` });
  const anything = await get("1", { accept: "*/*;q=0.1" });
  const unasked = await get(digest, { accept: OCI_INDEX });

  const text = await byTag.text();
  assert.equal(head.headers.get("content-length"), String(text.length));
  assert.equal(await head.text(), "");
  assert.equal(byTag.headers.get("etag"), `"${digest}"`);
  assert.equal(byTag.headers.get("cache-control"), "no-cache");
  assert.match(byDigest.headers.get("cache-control") ?? "", /immutable/);
  assert.equal(unchanged.status, 304);
  assert.deepEqual([refused.status, await codesOf(refused)], [404, ["MANIFEST_UNKNOWN"]]);
  assert.deepEqual([weighted.status, anything.status, unasked.status], [200, 200, 200]);
});

test("a manifest that is wrong is refused with the reason, and changes nothing", async (t) => {
  const world = await createRegistryWorld(t);
  const image = await imageOf(world, "team/app", "layer");
  const put = (reference: string, body: string | Buffer, type = OCI_MANIFEST) =>
    world.ask("PUT", `/v2/team/app/manifests/${reference}`, {
      body: Buffer.from(body),
      headers: { "content-type": type },
    });
  const layers = [
    { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: sha256("?"), size: 1 },
  ];
  const foreign = [
    { ...layers[0], mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip" },
  ];
  const cases: readonly (readonly [Promise<Response>, number, readonly string[]])[] = [
    [put("1", "no json"), 400, ["MANIFEST_INVALID"]],
    [put("1", Buffer.from([0xff, 0xfe])), 400, ["MANIFEST_INVALID"]],
    [put("1", "{}"), 400, ["MANIFEST_INVALID"]],
    [put("1", JSON.stringify({ ...image, layers })), 400, ["MANIFEST_BLOB_UNKNOWN"]],
    [put("1", JSON.stringify({ ...image, layers: foreign })), 400, ["MANIFEST_INVALID"]],
    [put(sha256("else"), JSON.stringify(image)), 400, ["DIGEST_INVALID"]],
    [put("sha256:baddigest", JSON.stringify(image)), 400, ["DIGEST_INVALID"]],
    [put(`md5:${"a".repeat(32)}`, JSON.stringify(image)), 400, ["DIGEST_INVALID"]],
    [put("-wrong", JSON.stringify(image)), 400, ["MANIFEST_INVALID"]],
    [put("t".repeat(129), JSON.stringify(image)), 400, ["MANIFEST_INVALID"]],
    [put("1", `${" ".repeat(4_194_305)}`), 413, ["MANIFEST_INVALID"]],
    [
      put("1", `{"schemaVersion":2,"x":${"[".repeat(200)}${"]".repeat(200)}}`),
      400,
      ["MANIFEST_INVALID"],
    ],
  ];

  for (const [asked, status, codes] of cases) {
    const answer = await asked;
    const text = await answer.clone().text();
    assert.equal(answer.status, status, text);
    assert.equal(answer.headers.get("content-type"), "application/json");
    assert.deepEqual(await codesOf(answer), codes, text);
  }
  assert.deepEqual(await tagsOf(world, "team/app"), []);
});

test("an image goes to a repository that is there, an index makes one", async (t) => {
  const world = await createRegistryWorld(t);
  const image = imageManifest({ digest: sha256("{}"), size: 2 }, []);

  const absent = await world.pushManifest("new/image", "1", image);
  const made = await world.pushManifest("new/index", "1", indexOf([sha256("sparse")]));

  assert.deepEqual([absent.status, await codesOf(absent)], [404, ["NAME_UNKNOWN"]]);
  assert.equal(made.status, 201);
});

test("pushing the same again makes no version; what was pushed by digest stays", async (t) => {
  const world = await createRegistryWorld(t);
  const versions = async () => {
    const { body } = await world.get("repositories/");
    return body.results[0].latest_version_href;
  };
  const digest = await world.pushImage("team/app", "1");
  const before = await versions();

  await world.pushImage("team/app", "1");
  const text = await (await world.ask("GET", "/v2/team/app/manifests/1")).text();
  await world.ask("PUT", `/v2/team/app/manifests/${digest}`, { body: text });

  assert.equal(await versions(), before);
  const { rows } = await world.ctx.db
    .selectFrom("membership")
    .selectAll()
    .execute()
    .then((all) => ({ rows: all }));
  assert.equal(rows.length, 4);
});

test("a tag moves, and tags of one digest are set together", async (t) => {
  const world = await createRegistryWorld(t);
  const first = await world.pushImage("team/app", "latest", "first");
  const body = await (await world.ask("GET", "/v2/team/app/manifests/latest")).text();
  const second = await world.pushImage("team/app", "latest", "second");

  const moved = await world.ask("GET", "/v2/team/app/manifests/latest");
  const tagged = await world.ask("PUT", `/v2/team/app/manifests/${first}?tag=a&tag=b`, { body });
  const many = Array.from({ length: 101 }, (_, n) => `tag=t${n}`).join("&");
  const tooMany = await world.ask("PUT", `/v2/team/app/manifests/${first}?${many}`, { body });

  assert.equal(moved.headers.get("docker-content-digest"), second);
  assert.equal(tagged.status, 201);
  assert.equal(tagged.headers.get("oci-tag"), "a, b");
  assert.equal(tooMany.status, 414);
  assert.deepEqual(await tagsOf(world, "team/app"), ["a", "b", "latest"]);
});

test("fifty pushes of tags to one repository at the same time all succeed", async (t) => {
  const world = await createRegistryWorld(t);
  const image = await imageOf(world, "team/app", "layer");
  const names = Array.from({ length: 50 }, (_, n) => `v${n}`);

  const pushed = await Promise.all(
    names.map((tag) =>
      world.pushManifest("team/app", tag, { ...image, annotations: { "org.example.tag": tag } }),
    ),
  );

  assert.deepEqual(new Set(pushed.map(({ status }) => status)), new Set([201]));
  assert.deepEqual(await tagsOf(world, "team/app"), names.sort());
});

test("deleting by tag leaves the manifest, by digest takes its tags", async (t) => {
  const world = await createRegistryWorld(t);
  const digest = await world.pushImage("team/app", "a");
  const body = await (await world.ask("GET", "/v2/team/app/manifests/a")).text();
  await world.ask("PUT", "/v2/team/app/manifests/b", { body });
  const path = (reference: string) => `/v2/team/app/manifests/${reference}`;

  const untagged = await world.ask("DELETE", path("a"));
  const byTag = await world.ask("HEAD", path("a"));
  const still = await world.ask("HEAD", path(digest));
  const deleted = await world.ask("DELETE", path(digest));
  const again = await world.ask("DELETE", path(digest));

  assert.deepEqual([untagged.status, byTag.status, still.status], [202, 404, 200]);
  assert.equal(deleted.status, 202);
  assert.equal((await world.ask("HEAD", path(digest))).status, 404);
  assert.equal((await world.ask("HEAD", path("b"))).status, 404);
  assert.deepEqual([again.status, await codesOf(again)], [404, ["MANIFEST_UNKNOWN"]]);
  assert.deepEqual(await tagsOf(world, "team/app"), []);
});

test("a service may refuse to delete tags", async (t) => {
  const settings = { REGISTRY_ALLOW_TAG_DELETE: false } as object;
  const world = await createRegistryWorld(t, { settings });
  await world.pushImage("team/app", "a");

  const answer = await world.ask("DELETE", "/v2/team/app/manifests/a");

  assert.deepEqual([answer.status, await codesOf(answer)], [405, ["UNSUPPORTED"]]);
  assert.deepEqual(await tagsOf(world, "team/app"), ["a"]);
});

test("children of a deleted index go unless something else needs them", async (t) => {
  const world = await createRegistryWorld(t);
  const [one, two, three] = [
    await world.pushImage("team/app", "one", "one"),
    await world.pushImage("team/app", "two", "two"),
    await world.pushImage("team/app", "three", "three"),
  ];
  await world.ask("DELETE", "/v2/team/app/manifests/one");
  await world.ask("DELETE", "/v2/team/app/manifests/three");
  const index = await world.pushManifest("team/app", "all", indexOf([one, two, three]));
  await world.pushManifest("team/app", "some", indexOf([three]));
  const digest = index.headers.get("docker-content-digest");

  const deleted = await world.ask("DELETE", `/v2/team/app/manifests/${digest}`);

  assert.equal(deleted.status, 202);
  const members = await world.ctx.db
    .selectFrom("membership")
    .select(["content"])
    .where("removed", "=", 2_147_483_647)
    .execute();
  // Two images of two blobs that share a configuration, an index, and two tags.
  assert.equal(members.length, 2 + 3 + 1 + 2);
});

test("referrers are listed in order, by type, and of what is not there, too", async (t) => {
  const world = await createRegistryWorld(t);
  const subject = {
    mediaType: OCI_MANIFEST,
    digest: await world.pushImage("team/app", "1"),
    size: 2,
  };
  const image = await imageOf(world, "team/app", "about");
  const put = (more: object) => {
    const manifest = { ...image, subject, ...more };
    return world.pushManifest("team/app", sha256(JSON.stringify(manifest)), manifest);
  };
  const annotations = { "org.example.n": "1" };

  const first = await put({ artifactType: "application/x.one", annotations });
  await put({ artifactType: "application/x.two" });
  await put({});
  const ask = async (path: string) => {
    const answer = await world.ask("GET", `/v2/${path}`);
    return { answer, list: (await answer.json()) as { manifests: Record<string, unknown>[] } };
  };

  assert.equal(first.headers.get("oci-subject"), subject.digest);
  const all = await ask(`team/app/referrers/${subject.digest}`);
  assert.equal(all.answer.headers.get("content-type"), OCI_INDEX);
  assert.equal(all.answer.headers.get("oci-filters-applied"), null);
  assert.deepEqual(
    all.list.manifests.map(({ artifactType }) => artifactType),
    ["application/x.one", "application/x.two", "application/vnd.oci.image.config.v1+json"],
  );
  assert.deepEqual(all.list.manifests[0]?.annotations, annotations);
  const filtered = await ask(`team/app/referrers/${subject.digest}?artifactType=application/x.two`);
  assert.equal(filtered.answer.headers.get("oci-filters-applied"), "artifactType");
  assert.equal(filtered.list.manifests.length, 1);
  const nothing = await ask(`no/such/referrers/${subject.digest}`);
  assert.deepEqual([nothing.answer.status, nothing.list.manifests], [200, []]);
  const malformed = await world.ask("GET", "/v2/team/app/referrers/sha256:x");
  assert.equal(malformed.status, 400);
});

test("lists of names come in pages in the order of their bytes", async (t) => {
  const world = await createRegistryWorld(t);
  const image = await imageOf(world, "team/app", "layer");
  for (const tag of ["b", "B", "a-1", "a_1", "10", "9"])
    await world.pushManifest("team/app", tag, image);
  await world.ask("POST", "/v2/other/empty/blobs/uploads/");
  const list = async (path: string) => {
    const answer = await world.ask("GET", path);
    const { tags, repositories } = (await answer.json()) as Record<string, string[]>;
    return { names: tags ?? repositories, link: answer.headers.get("link") };
  };

  const sorted = ["10", "9", "B", "a-1", "a_1", "b"];
  assert.deepEqual(await tagsOf(world, "team/app"), sorted);
  const page = await list("/v2/team/app/tags/list?n=2");
  assert.deepEqual(page.names, ["10", "9"]);
  const [, next = ""] = /^<(.+)>; rel="next"$/.exec(page.link ?? "") ?? [];
  assert.deepEqual((await list(next)).names, ["B", "a-1"]);
  const last = await list("/v2/team/app/tags/list?n=2&last=a-1");
  assert.deepEqual([last.names, last.link], [["a_1", "b"], null]);
  const odd = ["n=0", "n=-1"].map((query) => list(`/v2/team/app/tags/list?${query}`));
  for (const none of await Promise.all(odd)) assert.deepEqual(none, { names: [], link: null });
  for (const query of ["n=x", "n=1.5", "n=4294967296", "last=%00", "unknown=1"]) {
    assert.deepEqual((await list(`/v2/team/app/tags/list?${query}`)).names, sorted, query);
  }
  const catalog = await list("/v2/_catalog?n=1");
  assert.deepEqual(catalog.names, ["other/empty"]);
  assert.match(catalog.link ?? "", /last=other%2Fempty/);
  const unknown = await world.ask("GET", "/v2/no/such/tags/list");
  assert.deepEqual([unknown.status, await codesOf(unknown)], [404, ["NAME_UNKNOWN"]]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { answer } from "../../support/upstream.ts";
import { digestOf, OCI_MANIFEST, type Stored } from "./fake-registry.ts";
import { createMirrorWorld } from "./mirror-world.ts";

const digests = (...stored: readonly Stored[]): string[] =>
  stored.map(({ digest }) => digest).sort();

test("images, indexes in indexes and empty images are mirrored; again nothing is new", async (t) => {
  const world = await createMirrorWorld(t, { fake: { pageSize: 2 } });
  const { repository: upstream } = world;
  const amd64 = upstream.image(["layer a", "shared"], { team: "paper" });
  const arm64 = upstream.image(["layer b", "shared"]);
  const inner = upstream.index([amd64, arm64], ["amd64", "arm64"]);
  const outer = upstream.index([inner]);
  const empty = upstream.image([]);
  upstream.tag("1.0", amd64);
  upstream.tag("multi", inner);
  upstream.tag("nested", outer);
  upstream.tag("empty", empty);
  const remote = await world.addRemote();
  const repository = await world.addRepository();

  const job = await world.sync({ remote, repository });

  assert.deepEqual(await world.tags(repository), [
    `1.0 ${amd64.digest}`,
    `empty ${empty.digest}`,
    `multi ${inner.digest}`,
    `nested ${outer.digest}`,
  ]);
  assert.deepEqual(await world.manifests(repository), digests(amd64, arm64, inner, outer, empty));
  assert.deepEqual(await world.blobs(repository), [...upstream.blobs.keys()].sort());
  const row = await world.row(arm64.digest);
  assert.equal(row.architecture, "arm64", "what the index says wins over the configuration");
  assert.deepEqual((await world.row(amd64.digest)).labels, { team: "paper" });
  assert.equal(job.report("sync.downloading.tag_list")?.done, 1);
  const report = job.report("sync.processing.manifest");
  assert.deepEqual([report?.done, report?.state], [4, "completed"]);

  world.forget();
  await world.sync({ remote, repository });
  await world.sync({ remote, repository, mirror: true });
  assert.deepEqual(await world.versions(repository), [0, 1]);
  assert.equal(world.count("GET manifests"), 0, "only heads are asked for");
  assert.equal(world.count("GET blobs"), 0);
  assert.equal(world.count("HEAD manifests"), 8);
});

test("of indexes only the images of chosen platforms come, and a mirror drops the others", async (t) => {
  const world = await createMirrorWorld(t);
  const { repository: upstream } = world;
  const [amd64, arm64] = [upstream.image(["amd64"]), upstream.image(["arm64"])];
  const inner = upstream.index([amd64, arm64], ["amd64", "arm64"]);
  const outer = upstream.index([inner]);
  upstream.tag("multi", outer);
  upstream.tag("single", upstream.image(["alone"]));
  const repository = await world.addRepository();
  const all = await world.addRemote();
  const one = await world.addRemote({ platforms: ["linux/amd64"] });

  await world.sync({ remote: one, repository });
  const alone = (await world.manifests(repository)).length;
  assert.ok(!(await world.manifests(repository)).includes(arm64.digest));
  assert.ok(!(await world.blobs(repository)).includes(digestOf("arm64")));
  await world.sync({ remote: one, repository, mirror: true });
  assert.deepEqual(await world.versions(repository), [0, 1], "again nothing is new");

  await world.sync({ remote: all, repository });
  assert.ok((await world.manifests(repository)).includes(arm64.digest));
  await world.sync({ remote: one, repository, mirror: true });
  assert.equal((await world.manifests(repository)).length, alone);
  assert.deepEqual(
    (await world.tags(repository)).map((text) => text.split(" ")[0]),
    ["multi", "single"],
  );
});

test("layers are left at the upstream on demand, configurations are not", async (t) => {
  const world = await createMirrorWorld(t);
  const image = world.repository.image(["layer"]);
  world.repository.tag("1", image);
  const remote = await world.addRemote({}, { policy: "on_demand" });
  const repository = await world.addRepository();
  await world.sync({ remote, repository });
  const layer = digestOf("layer");
  const blobs = await world.blobs(repository);
  assert.deepEqual(
    blobs,
    [...world.repository.blobs.keys()].map((each) => (each === layer ? `${each}?` : each)).sort(),
  );
  const now = await world.addRemote();
  await world.sync({ remote: now, repository });
  assert.ok((await world.blobs(repository)).includes(layer), "then the bytes come");
});

test("filters choose tags; digests come without one; companions follow what they are about", async (t) => {
  const world = await createMirrorWorld(t);
  const { repository: upstream } = world;
  const [one, two, three] = ["1", "2", "3"].map((name) => upstream.image([name]));
  assert.ok(one && two && three);
  upstream.tag("v1", one);
  upstream.tag("v2", two);
  upstream.tag("w3", three);
  const companion = (of: Stored, suffix: string) =>
    upstream.tag(
      `${of.digest.replace(":", "-")}${suffix}`,
      upstream.image([`about ${of.digest}${suffix}`]),
    );
  companion(one, ".sig");
  companion(three, ".att");
  companion(two, ".sig");
  const remote = await world.addRemote({ includes: ["v*", three.digest], excludes: ["v2"] });
  const repository = await world.addRepository();

  const job = await world.sync({ remote, repository });

  const names = (await world.tags(repository)).map((line) => line.split(" ")[0]);
  assert.deepEqual(
    names,
    ["v1", `${one.digest.replace(":", "-")}.sig`, `${three.digest.replace(":", "-")}.att`].sort(),
  );
  assert.ok((await world.manifests(repository)).includes(three.digest));
  const messages = job.reports.map(({ message }) => message);
  assert.ok(messages.includes("Processing Cosign Companion Tags"));
});

test("a mirror drops what is gone, and without mirror it stays", async (t) => {
  const world = await createMirrorWorld(t);
  const { repository: upstream } = world;
  const [old, kept] = [upstream.image(["old"]), upstream.image(["kept"])];
  upstream.tag("old", old);
  upstream.tag("kept", kept);
  upstream.tag("moving", old);
  const remote = await world.addRemote();
  const repository = await world.addRepository();
  await world.sync({ remote, repository });
  upstream.tags.delete("old");
  upstream.tag("moving", kept);

  await world.sync({ remote, repository });
  assert.deepEqual(await world.tags(repository), [
    `kept ${kept.digest}`,
    `moving ${kept.digest}`,
    `old ${old.digest}`,
  ]);
  await world.sync({ remote, repository, mirror: true });
  assert.deepEqual(await world.tags(repository), [`kept ${kept.digest}`, `moving ${kept.digest}`]);
  assert.deepEqual(await world.manifests(repository), [kept.digest]);
  assert.ok(!(await world.blobs(repository)).includes(digestOf("old")));
  assert.deepEqual(await world.versions(repository), [0, 1, 2, 3]);
});

test("what refers to an image comes with it, also what refers to that", async (t) => {
  const world = await createMirrorWorld(t, { fake: { hasReferrers: true } });
  const { repository: upstream } = world;
  const image = upstream.image(["layer"]);
  upstream.tag("1", image);
  const remote = await world.addRemote();
  const repository = await world.addRepository();
  await world.sync({ remote, repository });
  const sbom = upstream.attach(image, "an SBOM");
  const signature = upstream.attach(sbom, "its signature");
  await world.sync({ remote, repository, mirror: true });
  assert.deepEqual(await world.manifests(repository), digests(image, sbom, signature));
  assert.equal((await world.row(sbom.digest)).subject, image.digest);
  await world.sync({ remote, repository, mirror: true });
  assert.deepEqual(await world.versions(repository), [0, 1, 2]);
});

test("registries without HEAD and with an absent child are mirrored", async (t) => {
  const world = await createMirrorWorld(t, { fake: { hasHead: false } });
  const { repository: upstream } = world;
  const [here, absent] = [upstream.image(["here"]), upstream.image(["absent"])];
  const index = upstream.index([here, absent]);
  upstream.manifests.delete(absent.digest);
  upstream.tag("sparse", index);
  const remote = await world.addRemote();
  const repository = await world.addRepository();
  await world.sync({ remote, repository });
  assert.deepEqual(await world.manifests(repository), digests(here, index));
});

test("an empty repository has no tags", async (t) => {
  const world = await createMirrorWorld(t);
  const remote = await world.addRemote();
  const repository = await world.addRepository();
  await world.sync({ remote, repository });
  assert.deepEqual(await world.versions(repository), [0]);
});

test("broken images are left out and named; what was there under their tags stays", async (t) => {
  const world = await createMirrorWorld(t);
  const { repository: upstream } = world;
  const [good, first] = [upstream.image(["good"]), upstream.image(["first"])];
  upstream.tag("good", good);
  upstream.tag("bad", first);
  const remote = await world.addRemote();
  const repository = await world.addRepository();
  await world.sync({ remote, repository });
  const broken = upstream.manifest({ config: {}, layers: [] });
  upstream.tag("bad", broken);
  upstream.tag("wrong", upstream.image(["wrong"]));
  const wrong = upstream.tags.get("wrong");
  world.upstream.on(
    `/v2/library/app/manifests/${wrong}`,
    answer.file(upstream.image(["else"]).body, { "content-type": OCI_MANIFEST }),
  );

  const job = await world.sync({ remote, repository, mirror: true });

  assert.deepEqual(await world.tags(repository), [`bad ${first.digest}`, `good ${good.digest}`]);
  const report = job.report("sync.skipped.manifest");
  assert.equal(report?.done, 2);
  assert.match(report?.message ?? "", /bad: .*wrong: .*should have the digest/s);
  assert.deepEqual(await world.versions(repository), [0, 1]);
});

test("without skipping the first broken image fails the sync, and no version is made", async (t) => {
  const world = await createMirrorWorld(t, {
    settings: { CONTAINER_SYNC_SKIPS_BROKEN: false } as object,
  });
  world.repository.tag("good", world.repository.image(["good"]));
  world.repository.tag("bad", world.repository.manifest({ config: {}, layers: [] }));
  const remote = await world.addRemote();
  const repository = await world.addRepository();
  await assert.rejects(world.sync({ remote, repository }), /cannot be used/);
  assert.deepEqual(await world.versions(repository), [0]);
});

test("an upstream that is down, or has nothing readable, fails the sync", async (t) => {
  const world = await createMirrorWorld(t);
  const repository = await world.addRepository();
  const gone = await world.addRemote({ upstream_name: "library/none" });
  await assert.rejects(world.sync({ remote: gone, repository }), /404/);
  world.repository.tag("bad", world.repository.manifest({ config: {}, layers: [] }));
  const remote = await world.addRemote();
  await assert.rejects(world.sync({ remote, repository }), /None of the images/);
  const closed = await world.addRemote({}, { url: "http://127.0.0.1:1" });
  await assert.rejects(world.sync({ remote: closed, repository }));
  assert.deepEqual(await world.versions(repository), [0]);
});

test("a layer with wrong bytes fails the sync; the next one goes on where it ended", async (t) => {
  const world = await createMirrorWorld(t);
  const { repository: upstream } = world;
  upstream.tag("1", upstream.image(["good layer"]));
  upstream.tag("2", upstream.image(["bad layer"]));
  const path = `/v2/library/app/blobs/${digestOf("bad layer")}`;
  world.upstream.on(path, answer.corrupted("bad layer"));
  const remote = await world.addRemote();
  const repository = await world.addRepository();
  await assert.rejects(world.sync({ remote, repository }), /PLP0003/);
  assert.deepEqual(await world.versions(repository), [0]);
  world.upstream.on(path, answer.file("bad layer"));
  world.forget();
  await world.sync({ remote, repository });
  assert.equal(world.count("GET manifests"), 0, "manifests were kept");
  assert.ok(world.count("GET blobs") <= 2, "configurations were kept");
  assert.equal((await world.tags(repository)).length, 2);
});

test("images of schema 1 are mirrored as they are", async (t) => {
  const world = await createMirrorWorld(t);
  const { repository: upstream } = world;
  const { digest: blobSum } = upstream.blob("old layer");
  const body = JSON.stringify({
    ...{ schemaVersion: 1, name: "library/app", tag: "old", architecture: "amd64" },
    ...{ fsLayers: [{ blobSum }], history: [{ v1Compatibility: "{}" }] },
  });
  const mediaType = "application/vnd.docker.distribution.manifest.v1+json";
  const old = { body, mediaType, digest: digestOf(body) };
  upstream.manifests.set(old.digest, old);
  upstream.tag("old", old);
  const remote = await world.addRemote();
  const repository = await world.addRepository();
  await world.sync({ remote, repository });
  await world.sync({ remote, repository, mirror: true });
  assert.deepEqual(await world.tags(repository), [`old ${old.digest}`]);
  assert.deepEqual(await world.blobs(repository), [blobSum]);
  const row = await world.row(old.digest);
  assert.deepEqual([row.schema_version, row.architecture], [1, "amd64"]);
  assert.deepEqual(await world.versions(repository), [0, 1]);
});

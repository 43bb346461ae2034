import assert from "node:assert/strict";
import { test } from "node:test";
import { answer } from "../../support/upstream.ts";
import { createFileWorld, line, serveFiles } from "./support.ts";

const files = { "a.txt": "alpha", "dir/b c#?.txt": "beta", "dir/copy of a, again.txt": "alpha" };

test("an immediate sync stores every file once and makes one version", async (t) => {
  const world = await createFileWorld(t);
  serveFiles(world.upstream, files);
  const [remote, repository] = [await world.addRemote(), await world.addRepository()];

  const job = await world.sync({ remote, repository });

  assert.deepEqual(await world.members(repository), {
    "a.txt": "stored",
    "dir/b c#?.txt": "stored",
    "dir/copy of a, again.txt": "stored",
  });
  assert.deepEqual(await world.versions(repository), [0, 1]);
  assert.deepEqual(await world.counts(), { artifacts: 2, units: 3, sources: 3 });
  assert.deepEqual(
    job.reports.map(({ code, done, state }) => [code, done, state]),
    [
      ["sync.downloading.metadata", 1, "completed"],
      ["sync.downloading.artifacts", 2, "completed"],
      ["associating.content", 3, "completed"],
      ["sync.parsing.metadata", 3, "completed"],
    ],
  );
  assert.equal(job.resources.length, 1);
  assert.match(job.resources[0]?.path ?? "", /^repositories\/file\/file\/[^/]+\/versions\/1\/$/);
});

test("an on-demand sync downloads the manifest only", async (t) => {
  const world = await createFileWorld(t);
  serveFiles(world.upstream, files);
  const remote = await world.addRemote({ policy: "on_demand" });
  const repository = await world.addRepository();

  await world.sync({ remote, repository });

  assert.equal(world.upstream.requests.length, 1);
  assert.equal((await world.members(repository))["a.txt"], "deferred");
  assert.deepEqual(await world.counts(), { artifacts: 0, units: 3, sources: 3 });
});

test("switching to immediate fills the files in, without a new version", async (t) => {
  const world = await createFileWorld(t);
  serveFiles(world.upstream, files);
  const [lazy, eager] = [await world.addRemote({ policy: "on_demand" }), await world.addRemote()];
  const repository = await world.addRepository();
  await world.sync({ remote: lazy, repository });

  const job = await world.sync({ remote: eager, repository });

  assert.equal(job.report("sync.downloading.artifacts")?.done, 2);
  assert.deepEqual(Object.values(await world.members(repository)), Array(3).fill("stored"));
  assert.deepEqual(await world.versions(repository), [0, 1]);
});

test("a sync without a change is one request and no version", async (t) => {
  const world = await createFileWorld(t);
  serveFiles(world.upstream, files);
  const [remote, repository] = [await world.addRemote(), await world.addRepository()];
  await world.sync({ remote, repository });
  const before = world.upstream.requests.length;

  const job = await world.sync({ remote, repository });

  assert.equal(world.upstream.requests.length, before + 1);
  assert.ok(world.upstream.requests.at(-1)?.headers["if-none-match"]);
  assert.equal(
    job.report("sync.was_skipped")?.message,
    "Skipping Sync (no change from previous sync)",
  );
  assert.deepEqual(await world.versions(repository), [0, 1]);
  assert.deepEqual(job.resources, []);
});

test("optimize: false always reads the manifest, and still makes no version", async (t) => {
  const world = await createFileWorld(t);
  serveFiles(world.upstream, files);
  const [remote, repository] = [await world.addRemote(), await world.addRepository()];
  await world.sync({ remote, repository });

  const job = await world.sync({ remote, repository, optimize: false });

  assert.equal(job.report("sync.was_skipped"), undefined);
  assert.equal(world.upstream.requests.at(-1)?.headers["if-none-match"], undefined);
  assert.deepEqual(await world.versions(repository), [0, 1]);
});

test("an upstream without validators is told apart by the digest of its manifest", async (t) => {
  const world = await createFileWorld(t);
  world.upstream.on("/PULP_MANIFEST", (_request, response) => response.end(line("a", "x")));
  const remote = await world.addRemote({ policy: "on_demand" });
  const repository = await world.addRepository();
  await world.sync({ remote, repository });

  const job = await world.sync({ remote, repository });

  assert.ok(job.report("sync.was_skipped"));
});

test("a new file at a known path replaces it; other members stay unless mirrored", async (t) => {
  const world = await createFileWorld(t);
  const [remote, repository] = [await world.addRemote(), await world.addRepository()];
  serveFiles(world.upstream, { a: "1", b: "1" });
  await world.sync({ remote, repository });

  serveFiles(world.upstream, { a: "2", c: "1" });
  await world.sync({ remote, repository });
  assert.deepEqual(Object.keys(await world.members(repository)), ["a", "b", "c"]);
  const job = await world.sync({ remote, repository, mirror: true });

  assert.deepEqual(Object.keys(await world.members(repository)), ["a", "c"]);
  assert.equal(job.report("unassociating.content")?.done, 1);
  assert.deepEqual(await world.versions(repository), [0, 1, 2, 3]);
});

test("a mirror is published with the very bytes of its manifest", async (t) => {
  const world = await createFileWorld(t);
  serveFiles(world.upstream, { a: "1" });
  const manifest = `# ours\n${line("a", "1")}\n\n`;
  world.upstream.on("/PULP_MANIFEST", answer.file(manifest));
  const [remote, repository] = [await world.addRemote(), await world.addRepository()];

  const job = await world.sync({ remote, repository, mirror: true });
  await world.sync({ remote, repository, mirror: true });

  const publications = await world.publications();
  assert.equal(publications.length, 1);
  assert.equal(publications[0]?.layout, "pass_through");
  assert.equal(await world.publishedText(publications[0]?.id ?? "", "PULP_MANIFEST"), manifest);
  assert.deepEqual(
    job.resources.map(({ model }) => model),
    ["file.FileRepository.version", "file.FilePublication"].map((model, index) =>
      index === 0 ? (job.resources[0]?.model ?? model) : model,
    ),
  );
});

test("mirroring an autopublished repository is refused", async (t) => {
  const world = await createFileWorld(t);
  const remote = await world.addRemote();
  const repository = await world.addRepository({}, { autopublish: true });

  await assert.rejects(world.sync({ remote, repository, mirror: true }), {
    message: "Cannot use mirror mode with autopublished repository.",
  });
});

test("autopublish follows a new version", async (t) => {
  const world = await createFileWorld(t);
  serveFiles(world.upstream, { a: "1", "b/c": "22" });
  const remote = await world.addRemote({ policy: "on_demand" });
  const repository = await world.addRepository({}, { autopublish: true, manifest: "MANIFEST" });

  await world.sync({ remote, repository });

  const [publication] = await world.publications();
  const text = await world.publishedText(publication?.id ?? "", "MANIFEST");
  assert.deepEqual(text?.trim().split("\n").sort(), [line("a", "1"), line("b/c", "22")].sort());
});

test("an empty manifest makes an empty repository, and no version of an empty one", async (t) => {
  const world = await createFileWorld(t);
  const [remote, repository] = [await world.addRemote(), await world.addRepository()];
  world.upstream.on("/PULP_MANIFEST", answer.file(""));
  await world.sync({ remote, repository });
  assert.deepEqual(await world.versions(repository), [0]);

  serveFiles(world.upstream, { a: "1" });
  await world.sync({ remote, repository });
  world.upstream.on("/PULP_MANIFEST", answer.file("# gone\n"));
  await world.sync({ remote, repository, mirror: true });

  assert.deepEqual(await world.members(repository), {});
});

test("stored files are found by their digest, whoever brought them", async (t) => {
  const world = await createFileWorld(t);
  serveFiles(world.upstream, { a: "same" });
  const remote = await world.addRemote();
  await world.sync({ remote, repository: await world.addRepository() });
  const second = await world.addRepository();

  const job = await world.sync({ remote, repository: second });

  assert.equal(job.report("sync.downloading.artifacts")?.done, 0);
  assert.deepEqual(await world.members(second), { a: "stored" });
});

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Settings } from "#platform/config/settings.ts";
import { type Answer, answer } from "../../support/upstream.ts";
import { createFileWorld, line, serveFiles, sha256 } from "./support.ts";

const files = { a: "alpha", b: "beta", c: "gamma" };

/** A repository with one good version; then the upstream of the second sync is what a test wants. */
async function afterOneSync(t: TestContext, remoteValues = {}) {
  const world = await createFileWorld(t);
  serveFiles(world.upstream, { old: "old" });
  const [remote, repository] = [await world.addRemote(remoteValues), await world.addRepository()];
  await world.sync({ remote, repository });
  serveFiles(world.upstream, files);
  const run = (job = world.job()) => world.sync({ remote, repository }, job);
  return { ...world, remote, repository, run };
}

type World = Awaited<ReturnType<typeof afterOneSync>>;

/** Nothing of a failed sync is visible, and the next one succeeds. */
async function assertUnharmed(world: World): Promise<void> {
  const { remote, repository } = world;
  assert.deepEqual(await world.members(repository), { old: "stored" });
  assert.deepEqual(await world.versions(repository), [0, 1]);
  assert.deepEqual(await leftovers(world.mediaRoot), []);

  serveFiles(world.upstream, files);
  await world.sync({ remote, repository });

  assert.deepEqual(Object.keys(await world.members(repository)), ["a", "b", "c", "old"]);
}

/** Files below the incoming area of the store. */
async function leftovers(mediaRoot: string): Promise<string[]> {
  const entries = await readdir(mediaRoot, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !join(entry.parentPath, entry.name).includes("/artifact/"))
    .map(({ name }) => name);
}

const faults: readonly (readonly [name: string, fault: Answer, code: string])[] = [
  ["F21 closes early", answer.truncated("beta", 2), "PLP0027"],
  ["F22 corrupts", answer.corrupted("beta"), "PLP0003"],
  ["F23 hangs after the head", answer.hanging(), "PLP0005"],
  ["F24 drips without end", answer.dripping(20), "PLP0005"],
  ["F25 answers 500", answer.status(500), "PLP0025"],
  ["F26 changed since the manifest", answer.file("beta, second edition"), "PLP0003"],
  ["F27 redirects in a circle", answer.redirect("/b"), "PLP0009"],
  ["F27 redirects to a file", answer.redirect("file:///etc/passwd"), "PLP0009"],
  ["is missing a file", answer.status(404), "PLP0025"],
];

for (const [name, fault, code] of faults) {
  test(`an upstream that ${name} fails the sync and changes nothing`, async (t) => {
    const world = await afterOneSync(t, { total_timeout: 0.5, sock_read_timeout: 0.3 });
    world.upstream.on("/b", fault);

    await assert.rejects(world.run(), (error: Error & { code?: string }) => {
      assert.equal(error.code, code, error.message);
      assert.match(error.message, /\/b|file:/);
      return true;
    });

    await assertUnharmed(world);
  });
}

test("a size that differs from the manifest is its own error", async (t) => {
  const world = await afterOneSync(t);
  const wrong = `${line("a", "alpha")}\nb,${sha256("beta")},5\n`;
  world.upstream.on("/PULP_MANIFEST", answer.file(wrong));

  await assert.rejects(world.run(), {
    message: `[PLP0004] A file located at the url ${world.upstream.url}/b failed validation due to size. Expected '5', Actual '4'`,
  });

  await assertUnharmed(world);
});

test("a flapping upstream is met with patience", async (t) => {
  const world = await afterOneSync(t);
  const { repository, upstream } = world;
  const remote = await world.addRemote({ max_retries: 3 });
  const busy = answer.status(429, { "retry-after": "0" });
  for (const [path, content] of Object.entries(files))
    upstream.on(
      `/${path}`,
      answer.inTurn(busy, answer.truncated(content, 1), answer.file(content)),
    );

  await world.sync({ remote, repository });

  assert.deepEqual(Object.keys(await world.members(repository)), ["a", "b", "c", "old"]);
});

const manifests: readonly (readonly [string, string | Buffer, RegExp])[] = [
  ["a line without commas", `${line("a", "alpha")}\nnonsense\n`, /failed on line:2\./],
  ["a path that leaves", `../../etc/passwd,${sha256("x")},1\n`, /failed on line:1\./],
  ["an HTML page", "<!doctype html>\n<html></html>\n", /failed on line:1\./],
  ["one path with two files", `${line("a", "1")}\n${line("a", "2")}\n`, /listed before/],
  ["bytes that are no text", Buffer.from([0xff, 0xfe, 0x2c, 0x2c]), /UTF-8/],
  ["an endless line", "x".repeat(1_000_000), /too long/],
];

for (const [name, manifest, message] of manifests) {
  test(`a manifest with ${name} makes no version`, async (t) => {
    const world = await afterOneSync(t);
    world.upstream.on("/PULP_MANIFEST", answer.file(manifest));

    await assert.rejects(world.run(), (error: Error) => {
      assert.match(error.message, /^Error: Parsing of the manifest file failed on line:\d+\./);
      assert.match(error.message, message);
      assert.ok(error.message.includes(`${world.upstream.url}/PULP_MANIFEST`));
      return true;
    });

    await assertUnharmed(world);
  });
}

test("a bad line at the end fails after files were stored, and they are used again", async (t) => {
  const world = await afterOneSync(t);
  const manifest = Array.from({ length: 6000 }, (_, i) =>
    line(`folder/f${i}`, `content ${i % 20}`),
  );
  world.upstream.otherwise((request, response) => {
    const index = Number(/\/f(\d+)$/.exec(request.path)?.[1]);
    response.end(`content ${index % 20}`);
  });
  world.upstream.on("/PULP_MANIFEST", answer.file(`${manifest.join("\n")}\nbad\n`));

  await assert.rejects(world.run(), { message: /line:6001/ });
  world.upstream.on("/PULP_MANIFEST", answer.file(manifest.join("\n")));
  const job = await world.run();

  assert.equal(job.report("sync.downloading.artifacts")?.done, 0);
  assert.equal(Object.keys(await world.members(world.repository)).length, 6001);
});

test("a task that is aborted in the middle leaves no draft", async (t) => {
  const world = await afterOneSync(t);
  const job = world.job();
  world.upstream.on("/b", (_request, response) => {
    response.writeHead(200, { "content-length": "4" });
    response.write("be", () => job.abort(new Error("Aborted during shutdown.")));
  });

  await assert.rejects(world.run(job));

  await assertUnharmed(world);
});

test("a manifest that is missing or too slow fails with its address", async (t) => {
  const world = await afterOneSync(t, { total_timeout: 0.3 });
  world.upstream.on("/PULP_MANIFEST", answer.status(403));
  await assert.rejects(world.run(), {
    message: `[PLP0025] 403, message='Forbidden', url='${world.upstream.url}/PULP_MANIFEST'`,
  });

  world.upstream.on("/PULP_MANIFEST", answer.silent());
  await assert.rejects(world.run(), { code: "PLP0005" });

  await assertUnharmed(world);
});

test("no more files are under way than MAX_CONCURRENT_CONTENT allows", async (t) => {
  const most = async (settings: Partial<Settings>) => {
    const world = await createFileWorld(t, { settings });
    const names = Array.from({ length: 12 }, (_, number) => `f${number}`);
    serveFiles(world.upstream, Object.fromEntries(names.map((name) => [name, name])));
    for (const name of names) {
      const file = answer.file(name);
      world.upstream.on(`/${name}`, (request, response) => {
        setTimeout(() => file(request, response), 30);
      });
    }
    await world.sync({ remote: await world.addRemote(), repository: await world.addRepository() });
    return world.upstream.load.most;
  };
  assert.ok((await most({})) > 2, "without the setting more are");
  assert.ok((await most({ MAX_CONCURRENT_CONTENT: 2 })) <= 2);
});

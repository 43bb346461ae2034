import assert from "node:assert/strict";
import { test } from "node:test";
import { publishVersion } from "#plugins/file/publish.ts";
import { latestVersion } from "#plugins/file/repository.ts";
import { createFileWorld, line, serveFiles } from "./support.ts";

test("the manifest lists the version, newest first, deferred files with what is known", async (t) => {
  const world = await createFileWorld(t);
  const { ctx, domain, upstream } = world;
  const repository = await world.addRepository();
  serveFiles(upstream, { first: "1" });
  await world.sync({ remote: await world.addRemote(), repository });
  serveFiles(upstream, { "dir/second, file": "22" });
  await world.sync({ remote: await world.addRemote({ policy: "on_demand" }), repository });

  const version = await latestVersion(ctx.db, domain, repository);
  const job = world.job();
  const publication = await publishVersion(job, { version, manifest: "sub/MANIFEST" });

  assert.equal(
    await world.publishedText(publication.id, "sub/MANIFEST"),
    `${line("dir/second, file", "22")}\n${line("first", "1")}\n`,
  );
  assert.equal(job.resources.at(-1)?.path, `publications/file/file/${publication.id}/`);
});

test("without a manifest only the files are published", async (t) => {
  const world = await createFileWorld(t);
  const { ctx, domain } = world;
  const repository = await world.addRepository();

  const version = await latestVersion(ctx.db, domain, repository);
  await publishVersion(world.job(), { version, manifest: null });

  const [publication] = await world.publications();
  assert.equal(publication?.manifest, null);
  assert.equal((await world.counts())?.artifacts, 0);
});

test("a publication that cannot be completed leaves nothing", async (t) => {
  const world = await createFileWorld(t);
  const { ctx, domain, upstream } = world;
  serveFiles(upstream, { PULP_MANIFEST: "in the way" });
  const repository = await world.addRepository();
  const remote = await world.addRemote({ url: `${upstream.url}/LIST`, policy: "on_demand" });
  upstream.on("/LIST", (_request, response) => response.end(line("MANIFEST", "x")));
  await world.sync({ remote, repository });

  const version = await latestVersion(ctx.db, domain, repository);
  await assert.rejects(publishVersion(world.job(), { version, manifest: "MANIFEST" }));

  const left = await ctx.db.selectFrom("publication").select("id").execute();
  assert.deepEqual(left, []);
});

test("a version of several batches is published whole", async (t) => {
  const world = await createFileWorld(t);
  const { ctx, domain, upstream } = world;
  const lines = Array.from({ length: 4001 }, (_, index) => line(`f${index}`, `${index}`));
  upstream.on("/PULP_MANIFEST", (_request, response) => response.end(lines.join("\n")));
  const repository = await world.addRepository();
  await world.sync({ remote: await world.addRemote({ policy: "on_demand" }), repository });

  const version = await latestVersion(ctx.db, domain, repository);
  const publication = await publishVersion(world.job(), { version, manifest: "PULP_MANIFEST" });

  const text = await world.publishedText(publication.id, "PULP_MANIFEST");
  assert.deepEqual(text?.trimEnd().split("\n").sort(), lines.sort());
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { repairMetadata } from "#plugins/python/repair/metadata.ts";
import { latestVersion } from "#plugins/python/repository.ts";
import type { TestJob } from "../../support/job.ts";
import { createMirrorWorld, json, serveList, serveProject, sha256 } from "./mirror-world.ts";

type World = Awaited<ReturnType<typeof createMirrorWorld>>;

const A1 = { filename: "a-1-py3-none-any.whl" };
const A1_SDIST = { filename: "a-1.tar.gz" };
const A2 = { filename: "a-2.tar.gz" };
const B1 = { filename: "b-1.tar.gz" };

/** A mirror on demand of `a` and `b`, whose rows are spoiled afterwards. */
async function spoiledMirror(world: World) {
  serveProject(world.upstream, "a", [A1, A1_SDIST, A2]);
  serveProject(world.upstream, "b", [B1]);
  serveList(world.upstream, { a: null, b: null });
  const [remote, repository] = [await world.addRemote(), await world.addRepository()];
  await world.sync({ remote, repository });
  await sql`update python_package
    set summary = 'wrong', requires_python = '', size = 0`.execute(world.ctx.db);
  return repository;
}

const serveRelease = (
  world: World,
  [name, version]: readonly [string, string],
  files: readonly { readonly filename: string }[],
) =>
  world.upstream.on(
    `/pypi/${name}/${version}/json`,
    json({
      info: { name: name.toUpperCase(), version, summary: `${name} ${version}` },
      urls: files.map(({ filename }) => ({
        ...{ filename, size: 7, requires_python: ">=3", python_version: "source" },
        digests: { sha256: sha256(filename) },
      })),
    }),
  );

async function repair(world: World, repository: string) {
  const job = world.job();
  await repairMetadata(job, await latestVersion(world.ctx.db, world.domain, repository));
  return job;
}

const counts = ({ reports }: TestJob) =>
  Object.fromEntries(reports.map(({ code, done }) => [code, done]));

test("remotes are asked about packages whose files are not here, once for each release", async (t) => {
  const world = await createMirrorWorld(t);
  const repository = await spoiledMirror(world);
  serveRelease(world, ["a", "1"], [A1, A1_SDIST]);
  serveRelease(world, ["a", "2"], [{ filename: "other bytes" }]);
  const before = world.upstream.requests.length;

  const job = await repair(world, repository);

  const asked = world.upstream.requests.slice(before).map(({ path }) => path);
  assert.deepEqual(asked.sort(), ["/pypi/a/1/json", "/pypi/a/2/json", "/pypi/b/1/json"]);
  assert.deepEqual(counts(job), { "repair.metadata": 2, "repair.metadata.failed": 2 });
  for (const { filename } of [A1, A1_SDIST]) {
    const { summary, size, requires_python, name } = await world.row(filename);
    assert.deepEqual([summary, size, requires_python, name], ["a 1", 7, ">=3", "A"]);
  }
  for (const { filename } of [A2, B1])
    assert.equal((await world.row(filename)).summary, "wrong", filename);
  assert.deepEqual(await world.versions(repository), [0, 1]);
});

test("statements of a repair do not grow with the packages of a batch", async (t) => {
  const statements: string[] = [];
  const world = await createMirrorWorld(t, { onStatement: (text) => void statements.push(text) });
  const files = Array.from({ length: 300 }, (_, index) => ({ filename: `a-${index}.tar.gz` }));
  serveProject(world.upstream, "a", files);
  const [remote, repository] = [
    await world.addRemote({ includes: ["a"] }),
    await world.addRepository(),
  ];
  await world.sync({ remote, repository });
  for (const [index, file] of files.entries()) serveRelease(world, ["a", String(index)], [file]);
  statements.length = 0;

  await repair(world, repository);

  assert.equal((await world.row("a-299.tar.gz")).summary, "a 299");
  assert.ok(statements.length < 20, statements.join("\n"));
});

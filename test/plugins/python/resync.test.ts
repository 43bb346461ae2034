import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { createVersion } from "#core/repositories/commands.ts";
import { answer } from "../../support/upstream.ts";
import { createMirrorWorld, serveList, serveProject } from "./mirror-world.ts";

const A1 = { filename: "a-1.tar.gz" };
const A2 = { filename: "a-2.tar.gz" };
const B1 = { filename: "b-1.tar.gz" };

type World = Awaited<ReturnType<typeof createMirrorWorld>>;

/** Paths that a sync asks for. */
async function asked(world: World, sync: () => Promise<unknown>): Promise<string[]> {
  const before = world.upstream.requests.length;
  await sync();
  return world.upstream.requests
    .slice(before)
    .map(({ path }) => path)
    .sort();
}

async function afterOneSync(
  world: World,
  { mirror = false, serials = [null, null] as (number | null)[] } = {},
) {
  serveProject(world.upstream, "a", [A1]);
  serveProject(world.upstream, "b", [B1]);
  serveList(world.upstream, { a: serials[0] ?? null, b: serials[1] ?? null });
  const [remote, repository] = [await world.addRemote(), await world.addRepository()];
  const sync = () => world.sync({ remote, repository, mirror });
  await sync();
  return { remote, repository, sync };
}

for (const mirror of [false, true]) {
  test(`a sync without a change asks for pages only, and makes no version (mirror: ${mirror})`, async (t) => {
    const world = await createMirrorWorld(t);
    const { repository, sync } = await afterOneSync(world, { mirror });

    const paths = await asked(world, sync);

    assert.deepEqual(paths, ["/simple/", "/simple/a/", "/simple/b/"]);
    const conditions = world.upstream.requests
      .slice(-2)
      .map(({ headers }) => headers["if-none-match"]);
    assert.ok(conditions.every((etag) => etag !== undefined));
    assert.deepEqual(await world.versions(repository), [0, 1]);
    assert.deepEqual(await world.filenames(repository), [A1.filename, B1.filename]);
  });

  test(`a project that changed is read again, others are kept (mirror: ${mirror})`, async (t) => {
    const world = await createMirrorWorld(t);
    const { repository, sync } = await afterOneSync(world, { mirror });
    serveProject(world.upstream, "a", [A2]);

    await sync();

    const expected = mirror ? [A2, B1] : [A1, A2, B1];
    assert.deepEqual(
      await world.filenames(repository),
      expected.map(({ filename }) => filename),
    );
    assert.deepEqual(await world.versions(repository), [0, 1, 2]);
  });
}

test("where upstream counts changes, only projects with a new number are asked for", async (t) => {
  const world = await createMirrorWorld(t);
  const { repository, sync } = await afterOneSync(world, { mirror: true, serials: [1, 2] });

  assert.deepEqual(await asked(world, sync), ["/simple/"]);
  serveProject(world.upstream, "a", [A1, A2]);
  serveList(world.upstream, { a: 3, b: 2 });
  const paths = await asked(world, sync);

  assert.ok(paths.includes("/simple/a/"));
  assert.ok(!paths.includes("/simple/b/"));
  assert.equal((await world.filenames(repository)).length, 3);
});

test("one number for all projects is not believed", async (t) => {
  const world = await createMirrorWorld(t);
  const { sync } = await afterOneSync(world, { serials: [7, 7] });
  assert.deepEqual(await asked(world, sync), ["/simple/", "/simple/a/", "/simple/b/"]);
});

test("a mirror drops what upstream dropped, once", async (t) => {
  const world = await createMirrorWorld(t);
  const { repository, sync } = await afterOneSync(world, { mirror: true });
  serveList(world.upstream, { a: null });
  await sync();
  assert.deepEqual(await world.filenames(repository), [A1.filename]);
  serveList(world.upstream, { a: null, b: null });
  world.upstream.on("/simple/a/", answer.status(404));
  await sync();
  assert.deepEqual(await world.filenames(repository), [B1.filename]);
  assert.deepEqual(await world.versions(repository), [0, 1, 2, 3]);
});

test("a mirror of an upstream that is empty by now is empty", async (t) => {
  const world = await createMirrorWorld(t);
  const { repository, sync } = await afterOneSync(world, { mirror: true });
  serveList(world.upstream, {});

  await sync();

  assert.deepEqual(await world.filenames(repository), []);
});

test("a mirror keeps what it has of a project that cannot be read", async (t) => {
  const world = await createMirrorWorld(t);
  const { repository, sync } = await afterOneSync(world, { mirror: true });
  serveProject(world.upstream, "a", [A1, A2]);
  world.upstream.on("/simple/b/", answer.status(500));

  await sync();
  assert.equal((await world.filenames(repository)).length, 3);

  serveProject(world.upstream, "b", []);
  await sync();
  assert.deepEqual(await world.filenames(repository), [A1.filename, A2.filename]);
});

test("yank markers of a project that did not change stay in a mirror", async (t) => {
  const world = await createMirrorWorld(t);
  serveProject(world.upstream, "a", [{ ...A1, yanked: "bad" }]);
  serveProject(world.upstream, "b", []);
  const remote = await world.addRemote({ includes: ["a", "b"] });
  const repository = await world.addRepository();
  await world.sync({ remote, repository, mirror: true });
  serveProject(world.upstream, "b", [B1]);

  await world.sync({ remote, repository, mirror: true });

  assert.deepEqual(await world.yanks(repository), [{ name: "a", version: "1", reason: "bad" }]);
});

test("what somebody removed comes back though upstream did not change", async (t) => {
  const world = await createMirrorWorld(t);
  const { repository, sync } = await afterOneSync(world);
  const { rows } = await sql<{ id: string }>`select id from python_package`.execute(world.ctx.db);
  await createVersion(world.job(), repository, { add: [], remove: rows.map(({ id }) => id) });

  await sync();

  assert.equal((await world.filenames(repository)).length, 2);
});

test("nothing is believed after the options of the remote changed", async (t) => {
  const world = await createMirrorWorld(t);
  const { remote, repository, sync } = await afterOneSync(world, { mirror: true });
  await sql`update python_remote set excludes = '["a"]' where id = ${remote}`.execute(world.ctx.db);

  await sync();

  assert.deepEqual(await world.filenames(repository), [B1.filename]);
});

test("nothing is believed after a sync that failed half-way", async (t) => {
  const world = await createMirrorWorld(t);
  const { remote, repository } = await afterOneSync(world);
  serveProject(world.upstream, "a", [A1, A2]);
  const job = world.job();
  const cancelled = world.sync(
    { remote, repository },
    { ...job, created: async () => Promise.reject(new Error("cut")) },
  );
  await cancelled.catch(() => undefined);

  await world.sync({ remote, repository });

  assert.equal((await world.filenames(repository)).length, 3);
});

test("an immediate sync fetches again what was reclaimed", async (t) => {
  const world = await createMirrorWorld(t);
  serveProject(world.upstream, "a", [A1]);
  const remote = await world.addRemote({ includes: ["a"] }, { policy: "immediate" });
  const repository = await world.addRepository();
  await world.sync({ remote, repository });
  await sql`update content_artifact set artifact = null`.execute(world.ctx.db);

  await world.sync({ remote, repository });

  assert.equal((await world.files(A1.filename))[0]?.stored, true);
});

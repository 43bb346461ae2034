import assert from "node:assert/strict";
import { test } from "node:test";
import { createAcs, deleteAcs, refreshAcs, updateAcs } from "#core/acs/commands.ts";
import { downloadArtifact } from "#core/remotes/commands.ts";
import { fileSources } from "#core/remotes/queries.ts";
import type { SyncRequest } from "#plugins/file/sync.ts";
import { fileAcsRefresh } from "#plugins/file/tasks.ts";
import { answer, createUpstream } from "../../support/upstream.ts";
import { createFileWorld, serveFiles } from "./support.ts";

const files = { "a.bin": "alpha", "b.bin": "beta" };

/** A refreshed alternate source with the same files, at `near/`. */
async function withAlternate(t: Parameters<typeof createFileWorld>[0]) {
  const world = await createFileWorld(t);
  const { ctx, domain, caller } = world;
  const near = await createUpstream(t);
  serveFiles(near, { "x/a.bin": "alpha", "x/b.bin": "beta" }, "/near");
  serveFiles(world.upstream, files);
  const remote = await world.addRemote({ url: `${near.url}/near`, policy: "on_demand" });
  const acs = await createAcs(ctx, {
    domain,
    type: "file.file",
    name: "near",
    remote,
    paths: ["PULP_MANIFEST"],
  });
  const group = await refreshAcs(ctx, fileAcsRefresh(caller, acs));
  const tasks = await ctx.db
    .selectFrom("task")
    .select(["name", "arguments", "resources"])
    .where("task_group", "=", group)
    .execute();
  const inputs = tasks.map(
    (task): SyncRequest => JSON.parse(ctx.secrets.open(task.arguments ?? "")),
  );
  for (const input of inputs) await world.sync(input);
  return { ...world, near, acs, tasks, remote };
}

test("a refresh reads each path into a hidden repository, and downloads nothing", async (t) => {
  const { ctx, near, acs, tasks } = await withAlternate(t);

  assert.equal(tasks.length, 1);
  assert.equal(tasks[0]?.name, "pulp_file.app.tasks.synchronizing.synchronize");
  assert.deepEqual(
    near.requests.map(({ path }) => path),
    ["/near/PULP_MANIFEST"],
  );
  const path = await ctx.db.selectFrom("acs_path").selectAll().executeTakeFirstOrThrow();
  const hidden = await ctx.db
    .selectFrom("repository")
    .select(["name", "user_hidden", "retain_repo_versions"])
    .where("id", "=", path.repository)
    .executeTakeFirstOrThrow();
  assert.deepEqual(hidden, {
    name: `near--${path.id}--repository`,
    user_hidden: true,
    retain_repo_versions: 1,
  });
  const row = await ctx.db
    .selectFrom("alternate_content_source")
    .select("last_refreshed")
    .where("id", "=", acs)
    .executeTakeFirstOrThrow();
  assert.ok(row.last_refreshed);
});

test("a sync takes files from the alternate source, and from its own when that fails", async (t) => {
  const world = await withAlternate(t);
  world.near.on("/near/x/b.bin", answer.status(404));

  const repository = await world.addRepository();
  await world.sync({ remote: await world.addRemote(), repository });

  assert.equal(world.near.asked("/near/x/a.bin").length, 1);
  assert.equal(world.upstream.asked("/a.bin").length, 0);
  assert.equal(world.upstream.asked("/b.bin").length, 1);
  assert.deepEqual(await world.members(repository), { "a.bin": "stored", "b.bin": "stored" });
});

test("a file on demand comes from the alternate source first; wrong bytes make it rest", async (t) => {
  const world = await withAlternate(t);
  const { ctx, domain, near } = world;
  const repository = await world.addRepository();
  await world.sync({ remote: await world.addRemote({ policy: "on_demand" }), repository });
  near.on("/near/x/a.bin", answer.corrupted("alpha"));
  const file = await ctx.db
    .selectFrom("content_artifact")
    .select("id")
    .where("relative_path", "=", "a.bin")
    .executeTakeFirstOrThrow();

  const before = await fileSources(ctx, domain, file.id);
  const signal = new AbortController().signal;
  const artifact = await downloadArtifact(ctx, { domain, contentArtifact: file.id }, signal);
  const after = await fileSources(ctx, domain, file.id);

  assert.deepEqual(
    before.map(({ is_acs }) => is_acs),
    [true, false],
  );
  assert.equal(near.asked("/near/x/a.bin").length, 1);
  assert.equal(world.upstream.asked("/a.bin").length, 1);
  assert.ok(artifact);
  assert.deepEqual(
    after.map(({ is_acs }) => is_acs),
    [false],
  );
  assert.equal((await world.members(repository))["a.bin"], "stored");
});

test("changed paths and a deletion take their hidden repositories along", async (t) => {
  const { ctx, domain, acs } = await withAlternate(t);
  const hidden = () =>
    ctx.db.selectFrom("repository").select("id").where("user_hidden", "=", true).execute();

  await updateAcs(ctx, { domain, id: acs, patch: { paths: ["other/PULP_MANIFEST"], name: "far" } });
  assert.equal((await hidden()).length, 0);
  await deleteAcs(ctx, domain, acs);

  const left = await ctx.db.selectFrom("acs_path").select("id").execute();
  assert.deepEqual(left, []);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { createRepository, openVersion } from "#core/repositories/commands.ts";
import { commitEdit, commitPush } from "#plugins/container/commit.ts";
import { addPending, removePending, touchPending } from "#plugins/container/pending.ts";
import { presentDigests } from "#plugins/container/queries.ts";
import { saveBlobs, saveManifests } from "#plugins/container/save.ts";
import { createJob } from "../../support/job.ts";
import { digestOf, imageOf, indexOf, putBlobs, putImage, putManifest, putTag } from "./images.ts";
import { createContainerApi, latestMembers, versionNumbers } from "./support.ts";

async function createWorld(t: Parameters<typeof createContainerApi>[0]) {
  const api = await createContainerApi(t);
  const { ctx, domain } = api;
  const repository = await createRepository(ctx, {
    domain,
    type: "container.container",
    name: "r",
  });
  return { api, ctx, domain, repository, caller: api.caller };
}

test("an image keeps its bytes, what it names and what its configuration says", async (t) => {
  const { api, ctx, domain } = await createWorld(t);
  const labels = { "org.flatpak.ref": "app/x" };
  const { manifest } = await putImage(api, { layers: ["a", "bc"], labels, architecture: "arm64" });

  const { rows } = await sql<Record<string, unknown>>`
    select * from container_manifest where id = ${manifest}`.execute(ctx.db);
  const { facts } = imageOf({ layers: ["a", "bc"], labels, architecture: "arm64" });
  assert.partialDeepStrictEqual(rows[0], {
    digest: facts.digest,
    body: facts.bytes,
    size: facts.bytes.length,
    type: "flatpak",
    labels,
    architecture: "arm64",
    os: "linux",
    compressed_image_size: 3,
  });
  const { rows: named } = await sql`
    select kind, position, digest, size from container_reference where manifest = ${manifest}
    order by kind, position`.execute(ctx.db);
  assert.deepEqual(named, [
    {
      kind: "config",
      position: 0,
      digest: facts.references[0]?.digest,
      size: facts.references[0]?.size,
    },
    { kind: "layer", position: 0, digest: digestOf("a"), size: 1 },
    { kind: "layer", position: 1, digest: digestOf("bc"), size: 2 },
  ]);
  const again = await saveManifests(ctx, domain, { manifests: [{ facts }] });
  assert.deepEqual(again, [{ id: manifest, isNew: false }]);
});

test("a blob that was known by name only takes its bytes and its size", async (t) => {
  const { api, ctx, domain } = await createWorld(t);
  const blobs = [{ digest: digestOf("x"), size: null, artifact: null }];
  const [known] = await saveBlobs(ctx, domain, { blobs });

  assert.deepEqual(await putBlobs(api, ["x"]), [known?.id]);

  const { rows } = await sql<{ size: number; artifact: string }>`
    select b.size, f.artifact from container_blob b join content_artifact f on f.content = b.id
    where b.id = ${known?.id}`.execute(ctx.db);
  assert.equal(rows[0]?.size, 1);
  assert.ok(rows[0].artifact);
});

test("a push is one version, and is listed as a task of whoever pushed", async (t) => {
  const { api, ctx, repository, caller } = await createWorld(t);
  const image = await putImage(api);
  const tags = new Map([["1", await putTag(api, "1", image.manifest)]]);

  const version = await commitPush(ctx, repository.id, { caller, add: image.units, tags });

  assert.equal(version?.number, 1);
  assert.ok((await latestMembers(ctx, repository.id)).includes(`1 → ${image.digest}`));
  const { body } = await api.get("tasks/");
  assert.equal(body.count, 1);
  assert.partialDeepStrictEqual(body.results[0], {
    name: "pulp_container.app.tasks.download_image_data.aadd_and_remove",
    state: "completed",
    created_resources: [
      `/pulp/api/v3/repositories/container/container/${repository.id}/versions/1/`,
    ],
  });
  const again = await commitPush(ctx, repository.id, { caller, add: image.units, tags });
  assert.equal(again, undefined);
  assert.equal((await api.get("tasks/")).body.count, 1);
});

test("fifty pushes at once all succeed, with far fewer versions, and the last tag wins", async (t) => {
  const { api, ctx, repository, caller } = await createWorld(t);
  const pushes = await Promise.all(
    Array.from({ length: 50 }, async (_, n) => {
      const image = await putImage(api, { layers: [`layer ${n}`] });
      const tags = new Map([
        [`v${n}`, await putTag(api, `v${n}`, image.manifest)],
        ["latest", await putTag(api, "latest", image.manifest)],
      ]);
      return { caller, add: image.units, tags };
    }),
  );

  const versions = await Promise.all(pushes.map((push) => commitPush(ctx, repository.id, push)));

  assert.ok(versions.every((version) => version !== undefined));
  const numbers = await versionNumbers(ctx, repository.id);
  assert.ok(numbers.length <= 4, `${numbers.length} versions`);
  const tags = (await latestMembers(ctx, repository.id)).filter((text) => text.includes(" → "));
  assert.equal(tags.length, 51);
  assert.equal((await api.get("tasks/")).body.count, 50);
});

test("one that is refused does not take the others with it", async (t) => {
  const { api, ctx, repository, caller } = await createWorld(t);
  const images = await Promise.all(["a", "b"].map((layer) => putImage(api, { layers: [layer] })));
  const missing = "019b0000-0000-7000-8000-000000000000";
  const lists = [images[0]?.units ?? [], images[1]?.units ?? [], [missing]];

  const settled = await Promise.allSettled(
    lists.map((add) => commitPush(ctx, repository.id, { caller, add })),
  );

  assert.deepEqual(
    settled.map(({ status }) => status),
    ["fulfilled", "fulfilled", "rejected"],
  );
  assert.equal((await latestMembers(ctx, repository.id)).length, 5);
});

test("a task that fills a version is not disturbed", async (t) => {
  const { api, ctx, repository, caller } = await createWorld(t);
  const image = await putImage(api);
  await openVersion(createJob(api), repository.id);

  const push = commitPush(ctx, repository.id, { caller, add: image.units });

  await assert.rejects(push, { code: "repository-busy", status: 429 });
  assert.deepEqual(await versionNumbers(ctx, repository.id), [0]);
});

test("an edit is asked under the lock, so that none is lost", async (t) => {
  const { api, ctx, repository, caller } = await createWorld(t);
  const units = await putBlobs(api, ["a", "b", "c"]);
  await commitPush(ctx, repository.id, { caller, add: units });

  await Promise.all(
    units.map((unit) =>
      commitEdit(ctx, repository.id, { caller, edit: async () => ({ add: [], remove: [unit] }) }),
    ),
  );

  assert.deepEqual(await latestMembers(ctx, repository.id), []);
  assert.deepEqual(await versionNumbers(ctx, repository.id), [0, 1, 2, 3, 4]);
});

test("what is pending is present, and is not once a version has it", async (t) => {
  const { api, ctx, repository, caller } = await createWorld(t);
  const key = { id: repository.id, domain: api.domain.num };
  const image = await putImage(api, { layers: ["a"] });
  const child = imageOf({ layers: ["z"] }).facts;
  const other = await putManifest(api, indexOf([child]));
  await addPending(ctx.db, key, [...image.units, other]);
  const digests = [image.digest, digestOf("a"), digestOf("z")];
  const present = async () =>
    [...(await presentDigests(ctx.db, key, digests))].map(([digest, { kind, isPending }]) => [
      ...[digest, kind, isPending],
    ]);

  assert.deepEqual(
    (await present()).sort(),
    [
      [image.digest, "manifest", true],
      [digestOf("a"), "blob", true],
    ].sort(),
  );
  await commitPush(ctx, repository.id, { caller, add: image.units });
  assert.deepEqual(
    (await present()).sort(),
    [
      [image.digest, "manifest", false],
      [digestOf("a"), "blob", false],
    ].sort(),
  );
  assert.equal(await removePending(ctx.db, key, [...image.units, other]), 1);
});

test("what is in use is noted, and clean-up lets it be", async (t) => {
  const { api, ctx, repository } = await createWorld(t);
  const key = { id: repository.id, domain: api.domain.num };
  const units = await putBlobs(api, ["a"]);
  await addPending(ctx.db, key, units);
  const age = () =>
    sql`update content set touched = clock_timestamp() - interval '1 day'`.execute(ctx.db);
  const isOld = async () => {
    const { rows } = await sql<{ old: boolean }>`
      select touched < clock_timestamp() - interval '1 hour' as old from content`.execute(ctx.db);
    return rows[0]?.old;
  };
  await age();

  await touchPending(ctx.db, key, units);
  assert.equal(await isOld(), true, "used a moment ago: not written again");
  await sql`update container_pending set used = used - interval '1 hour'`.execute(ctx.db);
  await touchPending(ctx.db, key, units);
  assert.equal(await isOld(), false);
});

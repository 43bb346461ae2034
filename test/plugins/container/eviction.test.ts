import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { sql } from "kysely";
import { dispatch } from "#core/tasks/commands.ts";
import { evictFromAllCaches } from "#plugins/container/pull/eviction/task.ts";
import { endedTask, runTasks } from "../../support/run-tasks.ts";
import { digestOf } from "./fake-registry.ts";
import { createPullWorld } from "./pull-world.ts";
import { latestMembers, versionNumbers } from "./support.ts";

const IMAGE = "cache/library/app";

/** A cache of three images of a little more than 2000 bytes, pulled one, two and three days ago. */
async function createWorld(t: TestContext, freshSeconds = 0) {
  const world = await createPullWorld(t, {
    settings: { CONTAINER_PULL_FRESH_SECONDS: freshSeconds } as object,
  });
  const { ctx, repository: upstream } = world;
  const { distribution } = await world.addThrough();
  const rest = { ...world, get: (path: string) => world.request("GET", path) };
  const href = `/pulp/api/v3/distributions/container/pull-through/${distribution}/`;
  for (const n of [1, 2, 3]) {
    upstream.tag(`${n}`, upstream.image([layer(n), "shared"]));
    await pull(`${n}`);
    for (const text of [layer(n), "shared"]) {
      assert.equal((await world.get(`${IMAGE}/blobs/${digestOf(text)}`)).status, 200);
      await world.stored(digestOf(text));
    }
  }
  for (const n of [1, 2, 3]) await age(`${n}`, n);

  async function pull(tag: string): Promise<void> {
    const answer = await world.get(`${IMAGE}/manifests/${tag}`);
    assert.equal(answer.status, 200, await answer.text());
  }

  async function age(tag: string, days: number): Promise<void> {
    await sql`
      update membership m set at = clock_timestamp() - make_interval(days => ${days})
      from container_tag t where t.name = ${tag} and m.content in (t.id, t.manifest)`.execute(
      ctx.db,
    );
  }

  const repositoryId = async () =>
    (await sql<{ id: string }>`select id from repository where name = ${IMAGE}`.execute(ctx.db))
      .rows[0]?.id ?? "";
  return {
    ...{ world, rest, href, pull, repositoryId },
    evict: async (body: object) => {
      const task = await endedTask(rest, await world.post(`${href}evict/`, body));
      assert.equal(task.state, "completed", JSON.stringify(task.error));
      return (task as unknown as { result: Readonly<Record<string, unknown>> }).result;
    },
    plan: async (body: object) => {
      const answer = await world.post(`${href}evict/`, { dry_run: true, ...body });
      assert.equal(answer.status, 200, answer.text);
      return answer.body;
    },
    tags: async () => {
      const members = await latestMembers(ctx, await repositoryId());
      return members.flatMap((text) => text.split(" → ").slice(0, -1));
    },
  };
}

const layer = (n: number): string => String(n).repeat(1000);

test("what nobody asked for goes from a cache, and comes again when somebody does", async (t) => {
  const { world, rest, plan, evict, tags, pull, repositoryId } = await createWorld(t);
  const limits = { evict_not_pulled_for_days: 2 };

  const found = await plan(limits);
  assert.deepEqual(await tags(), ["1", "2", "3"], "a look changes nothing");
  assert.equal(found.caches.length, 1);
  assert.equal(found.caches[0].base_path, IMAGE);
  assert.deepEqual(found.caches[0].tags.map(({ name }: { name: string }) => name).sort(), [
    "2",
    "3",
  ]);
  assert.ok(found.caches[0].bytes > 4000 && found.caches[0].bytes < 5000, JSON.stringify(found));
  assert.ok(found.size > 6000 && found.size < 7000, JSON.stringify(found));

  const result = await evict(limits);
  assert.partialDeepStrictEqual(result, { repositories: 1, tags: 2, manifests: 2 });
  assert.equal(result.bytes, found.caches[0].bytes);
  assert.equal(result.is_complete, true);
  assert.deepEqual(await tags(), ["1"]);
  const members = await latestMembers(world.ctx, await repositoryId());
  assert.ok(members.includes(digestOf("shared")), "what another image has stays");
  assert.ok(!members.includes(digestOf(layer(2))));
  assert.equal((await versionNumbers(world.ctx, await repositoryId())).length, 1);

  const clean = world.post("/pulp/api/v3/orphans/cleanup/", { orphan_protection_time: 0 });
  assert.equal((await endedTask(rest, await clean)).state, "completed");
  const { rows: blobs } = await sql<{ digest: string }>`
    select digest from container_blob where digest in
      (${digestOf(layer(1))}, ${digestOf(layer(2))}, ${digestOf("shared")})`.execute(world.ctx.db);
  assert.deepEqual(blobs.map(({ digest }) => digest).sort(), [
    ...[digestOf(layer(1)), digestOf("shared")].sort(),
  ]);

  await pull("3");
  assert.equal(await (await world.get(`${IMAGE}/blobs/${digestOf(layer(3))}`)).text(), layer(3));
  assert.deepEqual(await tags(), ["1", "3"]);
  assert.partialDeepStrictEqual(await evict(limits), { tags: 0, manifests: 0 });
});

test("a cache that is too large loses what was asked for longest ago", async (t) => {
  const { world, evict, plan, tags, repositoryId } = await createWorld(t);
  assert.deepEqual((await plan({ evict_over_bytes: 1_000_000 })).caches, []);
  await sql`
    insert into container_pull (repository, domain, content, pulled)
    select ${await repositoryId()}, domain, manifest, clock_timestamp() - interval '2 hours'
    from container_tag where name = '3'
    on conflict (repository, content) do update set pulled = excluded.pulled`.execute(world.ctx.db);
  const { size } = await plan({ evict_over_bytes: 0 });

  assert.partialDeepStrictEqual(await evict({ evict_over_bytes: size - 1 }), { tags: 1 });
  assert.deepEqual(await tags(), ["1", "3"], "the second one was of no use for longest");
  assert.partialDeepStrictEqual(await evict({ evict_over_bytes: 2500 }), { tags: 1 });
  assert.deepEqual(await tags(), ["3"]);
  assert.ok((await plan({ evict_over_bytes: 0 })).size < 2500);
});

test("what somebody pulls now stays, however large it is", async (t) => {
  const { evict, pull, tags } = await createWorld(t);
  await evict({ evict_not_pulled_for_days: 1 });
  assert.deepEqual(await tags(), []);
  await pull("2");

  assert.partialDeepStrictEqual(await evict({ evict_over_bytes: 0 }), { tags: 0 });

  assert.deepEqual(await tags(), ["2"]);
});

test("what has just been evicted is not believed to be here", async (t) => {
  const { world, evict, tags } = await createWorld(t, 3600);
  const { rows } = await sql<{ digest: string }>`
    select c.digest from container_tag t join container_manifest c on c.id = t.manifest
    where t.name in ('2', '3') order by t.name`.execute(world.ctx.db);
  assert.partialDeepStrictEqual(await evict({ evict_not_pulled_for_days: 2 }), { tags: 2 });
  world.forget();

  assert.equal((await world.get(`${IMAGE}/manifests/2`)).status, 200);
  assert.equal((await world.get(`${IMAGE}/manifests/${rows[1]?.digest}`)).status, 200);
  assert.deepEqual(await tags(), ["1", "2"]);
  assert.equal((await world.get(`${IMAGE}/manifests/absent`)).status, 404);
  const asked = world.count("HEAD manifests");
  assert.equal((await world.get(`${IMAGE}/manifests/absent`)).status, 404);
  assert.equal(world.count("HEAD manifests"), asked, "what the upstream has not is believed");
});

test("the limits of a distribution hold by themselves, once a day", async (t) => {
  const { world, href, tags } = await createWorld(t);
  const { ctx, caller } = world;
  const none = await world.post(`${href}evict/`, {});
  assert.equal(none.status, 400, none.text);
  for (const wrong of [
    { evict_not_pulled_for_days: 0 },
    { evict_not_pulled_for_days: 40_000 },
    { evict_over_bytes: -1 },
    { evict_over_bytes: "many" },
  ]) {
    const refused = await world.request("PATCH", href, { json: wrong });
    assert.equal(refused.status, 400, refused.text);
  }
  await sql`
    update container_distribution set evict_not_pulled_for_days = 2
    where pull_through is null`.execute(ctx.db);
  await dispatch(ctx, { task: evictFromAllCaches, input: {}, caller });

  await runTasks(world);
  await runTasks(world);

  assert.deepEqual(await tags(), ["1"]);
});

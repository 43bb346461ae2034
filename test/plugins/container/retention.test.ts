import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { sql } from "kysely";
import { dispatch } from "#core/tasks/commands.ts";
import { endedTask, runTasks } from "../../support/run-tasks.ts";
import {
  createRegistryWorld,
  imageManifest,
  OCI_INDEX,
  OCI_MANIFEST,
  type RegistryWorld,
  sha256,
} from "./registry-world.ts";
import { idOf, latestMembers, REPOSITORIES, versionNumbers } from "./support.ts";

const NAME = "team/app";

async function createWorld(t: TestContext) {
  const world = await createRegistryWorld(t);
  await world.pushImage(NAME, "main", "main");
  const { body } = await world.get(`${REPOSITORIES}?name=${NAME}`);
  const href: string = body.results[0].pulp_href;
  const id = idOf(href);
  return {
    ...{ world, href, id },
    /** Lets a tag or a manifest have been there for so long. */
    age: (reference: string, days: number) => setAge(world, reference, days),
    async dry(policy: object) {
      const answer = await world.post(`${href}retention/`, {
        dry_run: true,
        retention_policy: policy,
      });
      assert.equal(answer.status, 200, world.logged.join("\n"));
      return answer.body;
    },
    async apply(policy?: object) {
      const answer = await world.post(`${href}retention/`, {
        ...(policy ? { retention_policy: policy } : {}),
      });
      const task = await endedTask(world, answer);
      assert.equal(task.state, "completed", JSON.stringify(task.error));
      return (task as unknown as { result: object }).result;
    },
    /** From the database: the registry hears of tasks a moment later. */
    tags: async () =>
      (await latestMembers(world.ctx, id)).flatMap((text) => text.split(" → ").slice(0, -1)),
    members: () => latestMembers(world.ctx, id),
  };
}

async function setAge({ ctx }: RegistryWorld, reference: string, days: number): Promise<void> {
  const { numAffectedRows } = await sql`
    update membership m set at = clock_timestamp() - make_interval(days => ${days})
    where m.content in (select id from container_tag where name = ${reference}
      union select id from container_manifest where digest = ${reference})`.execute(ctx.db);
  assert.ok(Number(numAffectedRows) > 0, reference);
}

/** Lets somebody have pulled a tag or a manifest so many days ago. */
async function pull({ ctx }: RegistryWorld, repository: string, reference: string, days: number) {
  await sql`
    insert into container_pull (repository, domain, content, pulled)
    select ${repository}, domain, id, clock_timestamp() - make_interval(days => ${days}) from (
      select domain, id from container_tag where name = ${reference}
      union select domain, id from container_manifest where digest = ${reference}) u`.execute(
    ctx.db,
  );
}

const namesOf = (plan: { tags: { name: string }[] }) => plan.tags.map(({ name }) => name).sort();

test("a dry run tells what would go and why, and changes nothing", async (t) => {
  const { world, age, dry, apply, tags, members, id } = await createWorld(t);
  for (const n of [1, 2, 3, 4]) {
    await world.pushImage(NAME, `build-${n}`, `build ${n}`);
    await age(`build-${n}`, 50 - 10 * n);
  }
  const policy = { rules: [{ tags: ["build-*"], keep_newest: 2, older_than_days: 5 }] };
  const before = await members();

  const plan = await dry(policy);

  assert.deepEqual(namesOf(plan), ["build-1", "build-2"]);
  assert.equal(plan.tags[0].reason, "rule 1: not among the newest 2, at least 5 days old");
  assert.equal(plan.manifests.length, 2);
  assert.deepEqual(
    plan.manifests.map((one: { reason: string }) => one.reason),
    Array(2).fill("only tags that go name it"),
  );
  assert.equal(plan.is_complete, true);
  assert.deepEqual(await members(), before);

  const versions = await versionNumbers(world.ctx, id);
  assert.deepEqual(await apply(policy), { tags: 2, manifests: 2, is_complete: true });
  assert.deepEqual(await tags(), ["build-3", "build-4", "main"]);
  assert.equal((await versionNumbers(world.ctx, id)).length, versions.length + 1);
  assert.deepEqual(await apply(policy), { tags: 0, manifests: 0, is_complete: true });
  assert.equal((await versionNumbers(world.ctx, id)).length, versions.length + 1, "nothing new");
});

test("shared layers, children of other indexes and images under other tags stay", async (t) => {
  const { world, age, apply, members } = await createWorld(t);
  const shared = await world.pushImage(NAME, "old", "shared image");
  await world.pushImage(NAME, "same-layer", "shared image");
  const child = await world.pushImage(NAME, "child", "child");
  const lonely = await world.pushImage(NAME, "lonely", "lonely");
  const index = (digests: readonly string[]) => ({
    ...{ schemaVersion: 2, mediaType: OCI_INDEX },
    manifests: digests.map((digest) => ({ mediaType: OCI_MANIFEST, digest, size: 2 })),
  });
  await world.pushManifest(NAME, "old-index", index([child, lonely]));
  await world.pushManifest(NAME, "new-index", index([child]));
  for (const tag of ["old", "child", "lonely", "old-index"]) await age(tag, 30);

  const rules = [{ tags: ["old*", "child", "lonely"], older_than_days: 10 }];
  const result = await apply({ rules });

  assert.deepEqual(result, { tags: 4, manifests: 2, is_complete: true });
  const left = await members();
  assert.ok(left.includes(shared), "another tag names it");
  assert.ok(left.includes(child), "an index that stays lists it");
  assert.ok(!left.includes(lonely), "only the index that goes listed it");
  for (const tag of ["same-layer", "new-index", "main"]) {
    const answer = await world.ask("GET", `/v2/${NAME}/manifests/${tag}`);
    const { layers = [] } = (await answer.json()) as { layers?: { digest: string }[] };
    for (const { digest } of layers)
      assert.equal((await world.ask("HEAD", `/v2/${NAME}/blobs/${digest}`)).status, 200);
  }
});

/** A manifest that refers to another one. */
async function refer(world: RegistryWorld, subject: string, text: string): Promise<string> {
  const config = { digest: await world.pushBlob(NAME, "{}"), size: 2 };
  const layer = { digest: await world.pushBlob(NAME, text), size: text.length };
  const body = imageManifest(config, [layer], {
    artifactType: "application/x.test",
    subject: { mediaType: OCI_MANIFEST, digest: subject, size: 2 },
  });
  const bytes = JSON.stringify(body);
  const digest = sha256(bytes);
  const answer = await world.ask("PUT", `/v2/${NAME}/manifests/${digest}`, {
    body: bytes,
    headers: { "content-type": OCI_MANIFEST },
  });
  assert.equal(answer.status, 201);
  return digest;
}

test("signatures go with what they are about, and never before it", async (t) => {
  const { world, age, apply, members, tags } = await createWorld(t);
  const old = await world.pushImage(NAME, "old", "old");
  const kept = await world.pushImage(NAME, "kept", "kept");
  const ofOld = await refer(world, old, "about old");
  const ofKept = await refer(world, kept, "about kept");
  const companion = (digest: string) => `${digest.replace(":", "-")}.sig`;
  for (const digest of [old, kept]) await world.pushImage(NAME, companion(digest), `sig ${digest}`);
  for (const name of ["old", ofOld, ofKept, companion(old), companion(kept)]) await age(name, 30);

  await apply({
    rules: [{ tags: ["*"], older_than_days: 10 }],
    untagged_older_than_days: 7,
  });

  const left = await members();
  assert.deepEqual([left.includes(ofOld), left.includes(ofKept)], [false, true]);
  assert.deepEqual((await tags()).sort(), ["kept", "main", companion(kept)].sort());
});

test("what a tagged referrer is about stays", async (t) => {
  const { world, age, apply, members } = await createWorld(t);
  const subject = await world.pushImage(NAME, "subject", "subject");
  const referrer = await refer(world, subject, "attestation");
  const body = await (await world.ask("GET", `/v2/${NAME}/manifests/${referrer}`)).text();
  await world.ask("PUT", `/v2/${NAME}/manifests/attested`, {
    body,
    headers: { "content-type": OCI_MANIFEST },
  });
  await age("subject", 30);

  await apply({ rules: [{ tags: ["subject"], keep_newest: 0 }] });

  assert.ok((await members()).includes(subject));
});

test("untagged manifests go once they are old enough and nothing needs them", async (t) => {
  const { world, id, age, dry, members } = await createWorld(t);
  const first = await world.pushImage(NAME, "moving", "first");
  const young = await world.pushImage(NAME, "moving", "second");
  await world.pushImage(NAME, "moving", "third");
  await age(first, 8);
  const pinned = await world.pushImage(NAME, "moving", "pinned");
  await world.pushImage(NAME, "moving", "last");
  await age(pinned, 8);
  await pull(world, id, pinned, 6);

  const plan = await dry({ untagged_older_than_days: 7 });

  assert.deepEqual(
    plan.manifests.map((one: { digest: string; reason: string }) => [one.digest, one.reason]),
    [[first, "untagged, and neither pushed nor pulled for 7 days"]],
  );
  assert.deepEqual(plan.tags, []);
  assert.ok((await members()).includes(young));
});

test("a pull keeps a tag, and so do a pattern and an immutable tag", async (t) => {
  const { world, href, age, dry } = await createWorld(t);
  for (const tag of ["v1", "lts", "used", "idle"]) {
    await world.pushImage(NAME, tag, tag);
    await age(tag, 40);
  }
  await endedTask(world, await world.request("PATCH", href, { json: { immutable_tags: ["v*"] } }));
  await pull(world, idOf(href), "used", 0);

  const plan = await dry({ keep: ["lts"], rules: [{ tags: ["*"], not_pulled_for_days: 30 }] });

  assert.deepEqual(namesOf(plan), ["idle"]);
});

test("the schedule applies the policy of each repository that has one", async (t) => {
  const { world, href, age, tags } = await createWorld(t);
  await world.pushImage(NAME, "old", "old");
  await age("old", 9);
  const retention_policy = { rules: [{ tags: ["old"], older_than_days: 7 }] };
  await endedTask(world, await world.request("PATCH", href, { json: { retention_policy } }));
  assert.deepEqual((await world.get(href)).body.retention_policy, retention_policy);
  const { taskName, input, minutes } = world.ctx.plugins.all
    .flatMap(({ schedules = [] }) => (typeof schedules === "function" ? [] : schedules))
    .find(({ name }) => name.startsWith("Apply retention")) ?? {
    taskName: "",
    input: {},
    minutes: 0,
  };
  assert.equal(minutes, 1440);
  const task = world.ctx.plugins.task(taskName);
  assert.ok(task);

  await dispatch(world.ctx, { task, input, caller: { ...world.caller, user: null } });
  await runTasks(world);

  assert.deepEqual(await tags(), ["main"]);
});

test("policies that cannot be meant are refused, and none at all is missed", async (t) => {
  const { world, href } = await createWorld(t);

  const missing = await world.post(`${href}retention/`, { dry_run: true });
  const wrong = await world.request("PATCH", href, {
    json: { retention_policy: { rules: [{ tags: ["*"] }] } },
  });

  assert.equal(missing.status, 400);
  assert.deepEqual(Object.keys(missing.body), ["retention_policy"]);
  assert.equal(wrong.status, 400);
  assert.match(wrong.text, /Rule 1 needs one of keep_newest/);
});

test("many tags are looked at in pages, and not one by one", async (t) => {
  const { world, href, age, dry } = await createWorld(t);
  await age("main", 1);
  const few = await world.statementsOf(() => dry({ rules: [{ tags: ["t*"], keep_newest: 1 }] }));
  await sql`
    with made as (
      insert into content (id, domain, type, natural_key)
      select gen_random_uuid(), t.domain, t.type, decode(md5(n::text) || md5(n::text), 'hex')
      from generate_series(1, 3000) n,
        (select domain, type from content where id in (select id from container_tag limit 1)) t
      returning id, domain, type),
    tagged as (
      insert into container_tag (id, domain, name, manifest)
      select m.id, m.domain, 't' || row_number() over (), (select id from container_manifest limit 1)
      from made m returning id, domain)
    insert into membership (repository, added, domain, type, content)
    select r.num, 1, m.domain, m.type, m.id from made m, repository r
    where r.id = ${idOf(href)}`.execute(world.ctx.db);

  let plan = { tags: [] as { name: string }[] };
  const many = await world.statementsOf(async () => {
    plan = await dry({ rules: [{ tags: ["t*"], keep_newest: 1 }] });
  });

  assert.equal(plan.tags.length, 2999);
  assert.ok(many.length <= few.length + 3, many.join("\n"));
});

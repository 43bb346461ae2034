import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { sql } from "kysely";
import {
  codesOf,
  createRegistryWorld,
  OCI_MANIFEST,
  type RegistryWorld,
  sha256,
} from "./registry-world.ts";

/** Waits for the disk: of files and folders, and of transactions that somebody waits for. */
interface Waits {
  files: number;
  folders: number;
  commits: number;
}

interface Cost extends Waits {
  readonly statements: number;
  readonly transactions: number;
}

/** Counts what this process asks of the disk, whichever store it is for. */
async function countedSyncs(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "deckle-syncs-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await using handle = await open(join(folder, "x"), "w");
  const methods = Object.getPrototypeOf(handle);
  const files = t.mock.method(methods, "datasync").mock;
  const folders = t.mock.method(methods, "sync").mock;
  return () => ({ files: files.callCount(), folders: folders.callCount() });
}

const WRITES = /\b(insert into|delete from)\b|\bupdate \w+ (\w+ )?set\b/i;
const IN_PASSING = /synchronous_commit/;

/** Transactions, and statements without one. */
function transactions(statements: readonly string[]): number {
  let count = 0;
  let isInside = false;
  for (const text of statements) {
    if (!isInside) count += 1;
    if (/^begin/i.test(text)) isInside = true;
    else if (/^commit/i.test(text)) isInside = false;
  }
  return count;
}

/** Transactions that are waited for: those that write, and statements that write alone. */
function durableCommits(statements: readonly string[]): number {
  let commits = 0;
  let isInside = false;
  let hasWritten = false;
  for (const text of statements) {
    if (/^begin/i.test(text)) {
      isInside = true;
      hasWritten = false;
    } else if (/^commit/i.test(text)) {
      isInside = false;
      if (hasWritten) commits += 1;
    } else if (WRITES.test(text) && !IN_PASSING.test(text)) {
      hasWritten = true;
      if (!isInside) commits += 1;
    }
  }
  return commits;
}

/** An image of one blob, whose digest begins with these digits. */
const image = (world: RegistryWorld, name: string, tag: string, digits = "") => {
  let bytes = randomBytes(1000);
  while (!sha256(bytes).startsWith(`sha256:${digits}`)) bytes = randomBytes(1000);
  return {
    blob: () => world.pushBlob(name, bytes),
    manifest: () => {
      const part = { digest: sha256(bytes), size: bytes.length };
      return world.pushManifest(name, tag, {
        ...{ schemaVersion: 2, mediaType: OCI_MANIFEST },
        config: { mediaType: "application/vnd.example.config", ...part },
        layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", ...part }],
      });
    },
  };
};

async function tagsOf(world: RegistryWorld, name: string): Promise<readonly string[]> {
  const answer = await world.ask("GET", `/v2/${name}/tags/list`);
  return ((await answer.json()) as { tags: string[] }).tags;
}

test("a push waits for the disk a few times, and asks the database in few statements", async (t) => {
  const world = await createRegistryWorld(t);
  const syncs = await countedSyncs(t);
  // The repository is there before, and the folder that the blob goes to.
  await world.pushImage("team/app", "first");
  const neighbour = await world.pushBlob("team/app", "in the same folder");
  const pushed = image(world, "team/app", "1", neighbour.slice("sha256:".length).slice(0, 2));
  const costOf = async (work: () => Promise<unknown>): Promise<Cost> => {
    const from = syncs();
    const texts = await world.statementsOf(work);
    const to = syncs();
    return {
      files: to.files - from.files,
      folders: to.folders - from.folders,
      commits: durableCommits(texts),
      statements: texts.length,
      transactions: transactions(texts),
    };
  };

  const blob = await costOf(pushed.blob);
  const manifest = await costOf(pushed.manifest);

  assert.deepEqual(
    [blob.files, blob.folders, blob.commits],
    [1, 1, 2],
    "the announcement beside the bytes, then the name, then the rows",
  );
  // Three, and a look of the change feed may fall into that time.
  assert.ok(blob.transactions <= 4, `${blob.transactions} transactions for a blob`);
  assert.ok(blob.statements <= 12, `${blob.statements} statements for a blob`);
  assert.deepEqual(
    [manifest.files, manifest.folders, manifest.commits],
    [0, 0, 1],
    "units, version, task and audit trail are one transaction",
  );
  // Two, and a look of the change feed.
  assert.ok(manifest.transactions <= 3, `${manifest.transactions} transactions for a manifest`);
  assert.ok(manifest.statements <= 18, `${manifest.statements} statements for a manifest`);
});

test("a push to a repository that is remembered does not look at it", async (t) => {
  const world = await createRegistryWorld(t);
  const push = async (tag: string) => {
    const { blob, manifest } = image(world, "team/app", tag);
    await blob();
    const texts = await world.statementsOf(async () => {
      assert.equal((await manifest()).status, 201);
    });
    return texts.filter((text) => /from repository_version/.test(text) && !WRITES.test(text))
      .length;
  };
  await push("latest");

  const looks = [await push("latest"), await push("latest"), await push("another")];

  assert.deepEqual(looks, [0, 0, 0]);
  assert.deepEqual(await tagsOf(world, "team/app"), ["another", "latest"]);
});

test("what is remembered of a repository counts for nothing once it has changed", async (t) => {
  const world = await createRegistryWorld(t);
  const other = await createRegistryWorld(t, { beside: world });
  const push = (of: RegistryWorld, tag: string) =>
    of.pushImage("team/app", tag, `${randomBytes(9)}`);
  const digestOf = async (tag: string) => {
    const answer = await other.ask("HEAD", `/v2/team/app/manifests/${tag}`);
    return answer.headers.get("docker-content-digest");
  };
  const versions = async () => {
    const { rows } = await sql<{ number: number }>`
      select number from repository_version order by number`.execute(world.ctx.db);
    return rows.map(({ number }) => number);
  };
  for (const tag of ["latest", "mine"]) await push(world, tag);

  const theirs = await push(other, "latest");
  assert.equal(await digestOf("latest"), theirs);
  const ours = await push(world, "latest");
  const again = await push(other, "theirs");
  const moved = await push(world, "theirs");
  await sql`update repository set retain_repo_versions = 2`.execute(world.ctx.db);
  await push(world, "kept");

  assert.equal(await digestOf("latest"), ours);
  assert.notEqual(again, moved);
  assert.equal(await digestOf("theirs"), moved);
  assert.deepEqual(await tagsOf(world, "team/app"), ["kept", "latest", "mine", "theirs"]);
  assert.deepEqual(await versions(), [5, 6, 7], "the one that is served, and two before it");
});

test("a blob that is remembered and was cleaned up is missing", async (t) => {
  const world = await createRegistryWorld(t);
  await world.pushImage("team/app", "first");
  const { blob, manifest } = image(world, "team/app", "second");
  await blob();
  await sql`delete from container_pending`.execute(world.ctx.db);

  const refused = await manifest();

  assert.equal(refused.status, 400);
  assert.deepEqual(await codesOf(refused), ["MANIFEST_BLOB_UNKNOWN"]);
  assert.deepEqual(await tagsOf(world, "team/app"), ["first"]);
});

test("pushes to many repositories at once share transactions", async (t) => {
  const world = await createRegistryWorld(t);
  const names = Array.from({ length: 12 }, (_, n) => `team/app-${n}`);
  for (const name of names) await world.pushImage(name, "first");
  const pushed = names.map((name) => image(world, name, "latest"));
  await Promise.all(pushed.map(({ blob }) => blob()));

  const texts = await world.statementsOf(async () => {
    const answers = await Promise.all(pushed.map(({ manifest }) => manifest()));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
  });

  const commits = durableCommits(texts);
  assert.ok(commits <= 6, `${commits} transactions for 12 pushes`);
  const { rows } = await sql<{ number: number; n: number }>`
    select max(number) as number, count(*)::int as n from repository_version
    group by repository`.execute(world.ctx.db);
  assert.deepEqual(
    rows.map(({ number, n }) => [number, n]),
    names.map(() => [2, 3]),
  );
});

test("fifty tags pushed to one repository at once are all there, in few versions", async (t) => {
  const world = await createRegistryWorld(t);
  await world.pushImage("team/app", "first");
  const digest = await world.pushBlob("team/app", "one layer");
  const part = { digest, size: 9 };
  const tags = Array.from({ length: 50 }, (_, n) => `v${n}`);

  const answers = await Promise.all(
    tags.map((tag) =>
      world.pushManifest("team/app", tag, {
        ...{ schemaVersion: 2, mediaType: OCI_MANIFEST, annotations: { tag } },
        config: { mediaType: "application/vnd.example.config", ...part },
        layers: [],
      }),
    ),
  );

  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
  assert.deepEqual(new Set(await tagsOf(world, "team/app")), new Set(["first", ...tags]));
  const { rows } = await sql<{ versions: number; audited: number; tasks: number }>`
    select (select count(*)::int from repository_version where number > 1) as versions,
      (select count(*)::int from audit_entry where operation = 'registry_manifest_push') as audited,
      (select count(*)::int from task) as tasks`.execute(world.ctx.db);
  const [counted] = rows;
  assert.ok(counted && counted.versions <= 25, `${counted?.versions} versions`);
  assert.deepEqual([counted.audited, counted.tasks], [51, 51]);
});

test("of pushes that come together, one that lacks a blob is refused alone", async (t) => {
  const world = await createRegistryWorld(t);
  await world.pushImage("team/a", "first");
  await world.pushImage("team/b", "first");
  const [whole, lacking] = [image(world, "team/a", "1"), image(world, "team/b", "1")];
  await whole.blob();

  const [first, second] = await Promise.all([whole.manifest(), lacking.manifest()]);

  assert.deepEqual([first?.status, second?.status], [201, 400]);
  assert.deepEqual(await tagsOf(world, "team/a"), ["1", "first"]);
  assert.deepEqual(await tagsOf(world, "team/b"), ["first"]);
});

test("a push waits for a repository that somebody else holds, and not the others with it", async (t) => {
  const world = await createRegistryWorld(t);
  const names = ["team/held", "team/free"];
  const pushed = names.map((name) => image(world, name, "1"));
  for (const name of names) await world.pushImage(name, "first");
  for (const { blob } of pushed) await blob();
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
  const { promise: isHeld, resolve: held } = Promise.withResolvers<void>();
  const holding = world.ctx.db.transaction().execute(async (trx) => {
    await sql`select from repository where name = 'team/held' for update`.execute(trx);
    held();
    await mayEnd;
  });
  await isHeld;

  const [slow, fast] = pushed.map(({ manifest }) => manifest());
  const answered = await fast;
  end();

  assert.equal(answered?.status, 201);
  assert.equal((await slow)?.status, 201);
  await holding;
});

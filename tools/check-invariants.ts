import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { type RawBuilder, sql } from "kysely";
import { objectName } from "#core/artifacts/queries.ts";
import { objectOwner } from "#core/artifacts/rules.ts";
import type { Executor } from "#core/ctx.ts";
import type { CoreTables } from "#core/tables.ts";
import { openDatabase } from "#platform/db/open.ts";

/** Something that must never be, by the invariant of the reliability contract that it breaks. */
export interface Violation {
  readonly invariant: "I1" | "I2" | "I3" | "I4" | "I5" | "I6" | "I7" | "I8" | "I9" | "I10";
  /** Row or object. */
  readonly subject: string;
  readonly problem: string;
}

export interface CheckOptions {
  /** Reads every file back; default true. */
  readonly verifyBytes?: boolean;
  /** `CHUNKED_UPLOAD_DIR` */
  readonly chunkFolder?: string;
}

/**
 * Proves the invariants I1 to I10 over a database and its store, as far as they are about rows and
 * files. Nothing may be writing meanwhile.
 *
 * @param root `MEDIA_ROOT` of the domains that keep their files on the local file system.
 */
export async function checkInvariants(
  db: Executor,
  root: string,
  { verifyBytes = true, chunkFolder = "upload" }: CheckOptions = {},
): Promise<Violation[]> {
  const rows = await Promise.all(ROW_CHECKS.map((check) => check(db)));
  return [
    ...(await artifactFiles(db, root, verifyBytes)),
    ...(await storedObjects(db, { root, chunkFolder })),
    ...(await incomingFolders(db, root)),
    ...(await sessionFiles(db, root)),
    ...rows.flat(),
  ];
}

interface DomainRow {
  readonly num: number;
  readonly id: string;
  readonly name: string;
}

const localDomains = (db: Executor): Promise<readonly DomainRow[]> =>
  db
    .selectFrom("domain")
    .select(["num", "id", "name"])
    .where("storage_class", "=", "pulpcore.app.models.storage.FileSystem")
    .execute();

/** I1: every artifact has its bytes. */
async function artifactFiles(
  db: Executor,
  root: string,
  verifyBytes: boolean,
): Promise<Violation[]> {
  const violations: Violation[] = [];
  for (const domain of await localDomains(db)) {
    const rows = await db
      .selectFrom("artifact")
      .select(["id", "sha256", "size", "file"])
      .where("domain", "=", domain.num)
      .execute();
    for (const { id, sha256, size, file } of rows) {
      const digest = sha256.toString("hex");
      const path = join(root, file ?? objectName(domain, digest));
      const problem = await fileProblem(path, { size, digest, verifyBytes });
      if (problem) violations.push({ invariant: "I1", subject: `artifact ${id}`, problem });
    }
  }
  return violations;
}

async function fileProblem(
  path: string,
  wanted: { readonly size: number; readonly digest: string; readonly verifyBytes: boolean },
): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return "has no file";
  if (found.size !== wanted.size) return `has ${found.size} bytes instead of ${wanted.size}`;
  if (!wanted.verifyBytes) return undefined;
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex") === wanted.digest ? undefined : "has other bytes than its digest says";
}

/** I2 and I3: every object is needed by a row, or an intent will look after it. */
async function storedObjects(
  db: Executor,
  { root, chunkFolder }: { readonly root: string; readonly chunkFolder: string },
): Promise<Violation[]> {
  const needed = await neededObjects(db);
  const objects = (await filesBelow(root)).filter((object) =>
    ["artifact/", `${chunkFolder}/`, "tmp/files/"].some((prefix) => object.startsWith(prefix)),
  );
  return objects
    .filter((object) => !needed.has(object))
    .map((object) => ({
      invariant: object.startsWith("artifact/") ? "I2" : "I3",
      subject: object,
      problem: describe(object, chunkFolder),
    }));
}

const describe = (object: string, chunkFolder: string): string => {
  const { kind } = objectOwner({ id: "", name: "default" }, object, chunkFolder);
  return `is needed by no row and has no intent (${kind})`;
};

async function neededObjects(db: Executor): Promise<Set<string>> {
  const domains = new Map((await localDomains(db)).map((domain) => [domain.num, domain]));
  const artifacts = await db.selectFrom("artifact").select(["domain", "sha256", "file"]).execute();
  const named = artifacts.flatMap(({ domain, sha256, file }) => {
    const owner = domains.get(domain);
    return owner ? [file ?? objectName(owner, sha256.toString("hex"))] : [];
  });
  const { rows } = await sql<{ object: string }>`
    select object from storage_intent
    union all select file from upload_chunk
    union all select file from temporary_file`.execute(db);
  return new Set([...named, ...rows.map(({ object }) => object)]);
}

/** I3: no file is being written by a process that is gone. */
async function incomingFolders(db: Executor, root: string): Promise<Violation[]> {
  const folders = await readdir(join(root, "tmp/incoming")).catch(() => []);
  const processes = await db.selectFrom("app_process").select("id").execute();
  const alive = new Set(processes.map(({ id }) => id));
  const dead = folders.filter((folder) => !alive.has(folder));
  const violations = await Promise.all(
    dead.map(async (folder): Promise<Violation[]> => {
      const files = await readdir(join(root, "tmp/incoming", folder));
      const problem = `holds ${files.length} files of a process that is gone`;
      return files.length === 0
        ? []
        : [{ invariant: "I3", subject: `tmp/incoming/${folder}`, problem }];
    }),
  );
  return violations.flat();
}

/** I1 and I3: an upload to the registry has the bytes that were acknowledged, and no file has no upload. */
async function sessionFiles(db: Executor, root: string): Promise<Violation[]> {
  const files = new Set(await readdir(join(root, "tmp/sessions")).catch(() => []));
  const { rows } = await sql<{ id: string; size: number; is_over: boolean }>`
    select id, size, is_over from container_upload`.execute(db);
  const known = new Set(rows.map(({ id }) => id));
  const short = rows
    .filter(({ is_over }) => !is_over)
    .map(async ({ id, size }): Promise<Violation[]> => {
      const found = await stat(join(root, "tmp/sessions", id)).catch(() => undefined);
      const has = found?.size ?? 0;
      const problem = `has ${has} of ${size} acknowledged bytes`;
      return has >= size ? [] : [{ invariant: "I1", subject: `upload ${id}`, problem }];
    });
  const orphans = [...files].filter((id) => !known.has(id));
  return [
    ...(await Promise.all(short)).flat(),
    ...orphans.map((id) => ({
      ...{ invariant: "I3" as const, subject: `tmp/sessions/${id}` },
      problem: "belongs to no upload",
    })),
  ];
}

async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

type RowCheck = (db: Executor) => Promise<Violation[]>;

/** Every row of the query is a violation; its columns are the subject and the problem. */
const forbids =
  (
    invariant: Violation["invariant"],
    query: RawBuilder<{ readonly subject: string; readonly problem: string }>,
  ): RowCheck =>
  async (db) => {
    const { rows } = await query.execute(db);
    return rows.map(({ subject, problem }) => ({ invariant, subject, problem }));
  };

type Found = { readonly subject: string; readonly problem: string };

const chunkWithoutFile: RowCheck = forbids(
  "I3",
  sql<Found>`
    select 'upload ' || u.id as subject, 'a chunk ends after the end of the upload' as problem
    from upload_chunk c join upload u on u.id = c.upload where c.start + c.size > u.size`,
);

const overlappingRanges: RowCheck = forbids(
  "I4",
  sql<Found>`
    select 'repository ' || a.repository || ' content ' || a.content as subject,
      'its ranges overlap' as problem
    from membership a join membership b
      on a.repository = b.repository and a.content = b.content and a.added < b.added
      and b.added < a.removed
    union all
    select 'repository ' || a.repository || ' slot ' || a.slot, 'two units hold it at a time'
    from membership a join membership b
      on a.repository = b.repository and a.slot = b.slot and a.content < b.content
      and a.added < b.removed and b.added < a.removed
    union all
    select 'repository ' || m.repository || ' content ' || m.content,
      'a range ends at a version that does not exist'
    from membership m
    where not exists (select from repository_version v
        where v.repository = m.repository and v.number = m.added)
      or (m.removed < 2147483647 and not exists (select from repository_version v
        where v.repository = m.repository and v.number = m.removed))`,
);

const wrongCounts: RowCheck = forbids(
  "I5",
  sql<Found>`
    select 'version ' || v.id as subject,
      format('counts say %s, members are %s', v.counts -> 'present', m.present) as problem
    from repository_version v
    left join lateral (
      select jsonb_object_agg(t.name, c.n) as present from (
        select type, count(*) as n from membership m
        where m.repository = v.repository and m.added <= v.number and m.removed > v.number
        group by type) c join content_type t on t.num = c.type) m on true
    where v.complete and coalesce(v.counts -> 'present', '{}') <> coalesce(m.present, '{}')
    union all
    select 'version ' || v.id, 'is incomplete although no task is running'
    from repository_version v
    where not v.complete and not exists (
      select from task t where t.domain = v.domain and t.state in ('running', 'canceling'))
    union all
    select 'repository ' || r.id, 'its next version is not greater than its versions'
    from repository r
    where exists (
      select from repository_version v where v.repository = r.num and v.number >= r.next_version)`,
);

const unpublishable: RowCheck = forbids(
  "I6",
  sql<Found>`
    select 'publication ' || p.id as subject, 'has no version that is complete' as problem
    from publication p
    where p.complete and not exists (
      select from repository_version v where v.id = p.version and v.complete)
    union all
    select 'publication ' || p.publication || ' path ' || p.relative_path,
      'its file is neither stored nor offered by a remote'
    from publication_path p join content_artifact f
      on f.domain = p.domain and f.id = p.content_artifact
    where f.artifact is null and not exists (
      select from remote_artifact r where r.domain = f.domain and r.content_artifact = f.id)`,
);

const ambiguousPaths: RowCheck = forbids(
  "I7",
  sql<Found>`
    select 'distribution ' || a.id as subject, 'its base path is below that of ' || b.id as problem
    from distribution a join distribution b on a.domain = b.domain and a.id <> b.id
    where not a.legacy_overlap and not b.legacy_overlap
      and starts_with(a.base_path || '/', b.base_path || '/')`,
);

const taskStates: RowCheck = forbids(
  "I8",
  sql<Found>`
    select 'task ' || t.id as subject, 'is ' || t.state || ' and has no end' as problem
    from task t
    where t.state in ('skipped', 'completed', 'failed', 'canceled') and t.finished_at is null
    union all
    select 'task ' || t.id, 'is ' || t.state || ' and not in the queue'
    from task t left join task_queue q on q.task = t.id
    where t.state in ('waiting', 'running', 'canceling') and q.task is null
    union all
    select 'task ' || t.id, 'is running and its owner is gone'
    from task t join task_queue q on q.task = t.id
    where t.state = 'running' and not exists (select from app_process p where p.id = q.owner)
    union all
    select 'task ' || t.id, 'is final and still in the queue'
    from task t join task_queue q on q.task = t.id
    where t.state in ('skipped', 'completed', 'failed', 'canceled')
    union all
    select 'name ' || a.key, 'is held by ' || a.seq || ' and ' || b.seq
    from task_held a join task_held b on a.key = b.key and a.seq <> b.seq
    where a.excl and (not b.excl or a.seq < b.seq)
    union all
    select 'name ' || h.key, 'is held by ' || h.seq || ', which is not in the queue'
    from task_held h where not exists (select from task_queue q where q.seq = h.seq)`,
);

const heldLocks: RowCheck = forbids(
  "I9",
  sql<Found>`
    select 'advisory lock ' || l.classid || ' ' || l.objid as subject,
      'is held by an idle connection of ' || a.application_name as problem
    from pg_locks l join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and a.datname = current_database() and a.state = 'idle'
    union all
    select 'task ' || t.id, 'is final and holds the name ' || h.key
    from task_held h join task_queue q on q.seq = h.seq join task t on t.id = q.task
    where t.state in ('skipped', 'completed', 'failed', 'canceled')`,
);

const createdByHalf: RowCheck = forbids(
  "I10",
  sql<Found>`
    select 'task ' || t.id as subject, 'is ' || t.state || ' and made the incomplete ' || c.object
      as problem
    from created_resource c join task t on t.id = c.task
    where t.state in ('skipped', 'completed', 'failed', 'canceled') and (
      exists (select from publication p where p.id::text = c.object and not p.complete)
      or exists (select from repository_version v where v.id::text = c.object and not v.complete))
    union all
    select 'publication ' || p.id, 'is incomplete although no task is running'
    from publication p
    where not p.complete and not exists (
      select from task t where t.domain = p.domain and t.state in ('running', 'canceling'))`,
);

const ROW_CHECKS: readonly RowCheck[] = [
  chunkWithoutFile,
  overlappingRanges,
  wrongCounts,
  unpublishable,
  ambiguousPaths,
  taskStates,
  heldLocks,
  createdByHalf,
];

async function main([url, root]: readonly string[]): Promise<number> {
  if (!url || !root) {
    process.stderr.write("Usage: node tools/check-invariants.ts <database url> <media root>\n");
    return 2;
  }
  await using database = openDatabase<CoreTables>({
    url,
    poolSize: 2,
    applicationName: "check-invariants",
  });
  const violations = await checkInvariants(database.db, root);
  for (const { invariant, subject, problem } of violations)
    process.stdout.write(`${invariant} ${subject} ${problem}\n`);
  process.stdout.write(`${violations.length} violations\n`);
  return violations.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));

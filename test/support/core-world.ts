import { createHash, randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import type { TestContext } from "node:test";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { saveUnits } from "#core/content/commands.ts";
import type { UnitInput } from "#core/content/types.ts";
import type { Caller, Ctx, DomainRef, Trx } from "#core/ctx.ts";
import type {
  ContentType,
  CorePlugin,
  CreatedResource,
  EntityModel,
  Job,
  RepositoryRef,
  RepositoryType,
} from "#core/plugin-contract.ts";
import { createRepository } from "#core/repositories/commands.ts";
import type { NewRepository } from "#core/repositories/types.ts";
import { type ContextOptions, createContext } from "./context.ts";
import { countStatements, type StatementLog } from "./statements.ts";

const key = (row: Readonly<Record<string, unknown>>): string[] => [
  String(row.relative_path),
  Buffer.from(row.digest as Uint8Array).toString("hex"),
];

/** A type whose slot is the path. */
export const fileType: ContentType = {
  family: "content",
  type: "zoo.file",
  model: "zoo.File",
  path: "content/zoo/files",
  table: "file_content",
  naturalKey: key,
  slot: (row) => [String(row.relative_path)],
  slotIsPath: true,
  reclaimable: true,
};

const { slot: _, ...withoutSlot } = fileType;

/** A type of which a version holds any number. */
export const noteType: ContentType = {
  ...withoutSlot,
  type: "zoo.note",
  model: "zoo.Note",
  path: "content/zoo/notes",
  slotIsPath: false,
};

const repositoryType = (name: string, options: Partial<RepositoryType> = {}): RepositoryType => ({
  family: "repository",
  type: `zoo.${name}`,
  model: `zoo.${name}`,
  path: `repositories/zoo/${name}`,
  contentTypes: ["zoo.file", "zoo.note"],
  servesPublications: false,
  ...options,
});

/** Hooks of the publishing type, replaced by the tests that need them. */
export interface Hooks {
  admit?: RepositoryType["admit"];
  finalizeVersion?: RepositoryType["finalizeVersion"];
  onNewVersion?: RepositoryType["onNewVersion"];
}

export interface CoreWorld {
  readonly ctx: Ctx;
  readonly domain: DomainRef;
  readonly job: Job;
  readonly url: string;
  /** Resources that the job recorded. */
  readonly created: CreatedResource[];
  readonly statements: StatementLog;
  readonly hooks: Hooks;
  repository(input?: Partial<NewRepository>): Promise<RepositoryRef>;
  /** Saves a file unit per path; a name `a@2` is path `a` with other bytes. */
  files(...names: readonly string[]): Promise<string[]>;
  notes(...names: readonly string[]): Promise<string[]>;
  artifact(text: string): Promise<string>;
  /** Names of the members of a version, sorted. */
  members(repository: RepositoryRef, number: number): Promise<string[]>;
  versionNumbers(repository: RepositoryRef): Promise<number[]>;
  versionId(repository: RepositoryRef, number: number): Promise<string>;
  secondDomain(name: string): Promise<DomainRef>;
}

export const digestOf = (text: string): Buffer => createHash("sha256").update(text).digest();

export const unitOf = (name: string): UnitInput => {
  const [path = ""] = name.split("@");
  return {
    row: { relative_path: path, digest: digestOf(name) },
    files: [{ relativePath: path, artifact: null }],
  };
};

/**
 * A context with two content types and three repository types: `plain` and `narrow` (notes only)
 * serve versions, `published` serves publications.
 */
export async function createCoreWorld(
  t: TestContext,
  options: ContextOptions = {},
): Promise<CoreWorld> {
  const statements = countStatements();
  const hooks: Hooks = {};
  const { ctx, domain, caller, url } = await createContext(t, {
    ...options,
    plugins: [zooPlugin(hooks)],
    onStatement: statements.onStatement,
  });
  const created: CreatedResource[] = [];
  const save = async (type: ContentType, names: readonly string[]) => {
    const saved = await saveUnits(ctx, { domain, type, units: names.map(unitOf) });
    return saved.map(({ id }) => id);
  };
  return {
    ctx,
    domain,
    job: testJob(ctx, caller, created),
    url,
    created,
    statements,
    hooks,
    repository: (input = {}) =>
      createRepository(ctx, { domain, type: "zoo.plain", name: randomUUID(), ...input }),
    files: (...names) => save(fileType, names),
    notes: (...names) => save(noteType, names),
    artifact: (text) => insertArtifact(ctx, domain, text),
    members: (repository, number) => memberNames(ctx, repository, number),
    versionNumbers: async (repository) =>
      (await versionRows(ctx, repository)).map(({ number }) => number),
    versionId: async (repository, number) => {
      const rows = await versionRows(ctx, repository);
      const row = rows.find((each) => each.number === number);
      if (!row) throw new Error(`no version ${number}`);
      return row.id;
    },
    secondDomain: (name) =>
      ctx.db
        .insertInto("domain")
        .values({ id: uuid7(), name, storage_class: "pulpcore.app.models.storage.FileSystem" })
        .returning(["num", "id", "name"])
        .executeTakeFirstOrThrow(),
  };
}

const versionRows = (ctx: Ctx, { num }: RepositoryRef) =>
  ctx.db
    .selectFrom("repository_version")
    .select(["id", "number"])
    .where("repository", "=", num)
    .orderBy("number")
    .execute();

function zooPlugin(hooks: Hooks): CorePlugin {
  const plain = repositoryType("plain");
  const narrow = repositoryType("narrow", { contentTypes: ["zoo.note"] });
  const published = repositoryType("published", {
    servesPublications: true,
    admit: async (db, admission) => (await hooks.admit?.(db, admission)) ?? [],
    finalizeVersion: async (trx, draft) => hooks.finalizeVersion?.(trx, draft),
    onNewVersion: async (job, version) => hooks.onNewVersion?.(job, version),
  });
  const publication: EntityModel = {
    family: "publication",
    type: "zoo.published",
    model: "zoo.Publication",
    path: "publications/zoo/published",
  };
  return {
    label: "zoo",
    version: "1.0.0",
    package: "zoo",
    module: "zoo",
    migrations: new URL("./no-migrations/", import.meta.url),
    entities: [plain, narrow, published, publication],
    contentTypes: [fileType, noteType],
    repositoryTypes: [plain, narrow, published],
    access: { policies: [], models: [], adminOnly: [] },
    tasks: [],
  };
}

/** What a task body gets; a created resource costs one statement, as it does in a task. */
const testJob = (ctx: Ctx, caller: Caller, created: CreatedResource[]): Job => ({
  ctx,
  taskId: uuid7(),
  caller,
  signal: new AbortController().signal,
  progress: () => ({
    add: () => undefined,
    setTotal: () => undefined,
    finish: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  }),
  created: async (resource: CreatedResource, trx?: Trx) => {
    await sql`select 'created resource'`.execute(trx ?? ctx.db);
    created.push(resource);
  },
  workingDirectory: tmpdir(),
});

async function insertArtifact(ctx: Ctx, domain: DomainRef, text: string): Promise<string> {
  const { id } = await ctx.db
    .insertInto("artifact")
    .values({ id: uuid7(), domain: domain.num, sha256: digestOf(text), size: text.length })
    .returning("id")
    .executeTakeFirstOrThrow();
  return id;
}

/** `path@first hex digits`, as the test's names tell units apart. */
async function memberNames(ctx: Ctx, repository: RepositoryRef, number: number): Promise<string[]> {
  const { rows } = await sql<{ relative_path: string; digest: Buffer }>`
    select f.relative_path, f.digest from membership m join file_content f
      on f.domain = m.domain and f.id = m.content
    where m.repository = ${repository.num} and m.added <= ${number} and m.removed > ${number}`.execute(
    ctx.db,
  );
  return rows
    .map(({ relative_path, digest }) => {
      const versions = [relative_path, ...[1, 2, 3].map((n) => `${relative_path}@${n}`)];
      return versions.find((name) => digestOf(name).equals(digest)) ?? `${relative_path}@?`;
    })
    .sort();
}

/** I4 and I5 of the reliability text: ranges do not overlap, ends exist, counts are right. */
export async function checkMembership(ctx: Ctx): Promise<string[]> {
  const problems: string[] = [];
  const look = async (name: string, query: ReturnType<typeof sql>): Promise<void> => {
    const { rows } = await query.execute(ctx.db);
    if (rows.length > 0) problems.push(`${name}: ${JSON.stringify(rows[0])}`);
  };
  await look(
    "ranges of a unit overlap",
    sql`select a.* from membership a join membership b on a.repository = b.repository
      and a.content = b.content and a.added < b.added and a.removed >= b.added`,
  );
  await look(
    "ranges of a slot overlap",
    sql`select a.* from membership a join membership b on a.repository = b.repository
      and a.slot = b.slot and a.content <> b.content
      and int4range(a.added, a.removed) && int4range(b.added, b.removed)`,
  );
  await look(
    "a range ends at no version",
    sql`select m.* from membership m where
      not exists (select from repository_version v
        where v.repository = m.repository and v.number = m.added and v.complete)
      or m.removed < 2147483647 and not exists (select from repository_version v
        where v.repository = m.repository and v.number = m.removed and v.complete)`,
  );
  await look("a version is incomplete", sql`select * from repository_version where not complete`);
  await look(
    "a number is not below the next",
    sql`select v.* from repository_version v join repository r on r.num = v.repository
      where v.number >= r.next_version`,
  );
  const count = (condition: ReturnType<typeof sql>) => sql`coalesce((
    select jsonb_object_agg(name, n) from (
      select t.name, count(*) as n from membership m join content_type t on t.num = m.type
      where m.repository = v.repository and ${condition} group by t.name) c), '{}')`;
  await look(
    "counts differ from membership",
    sql`select v.number, v.counts from repository_version v where
      coalesce(v.counts->'present', '{}') <> ${count(sql`m.added <= v.number and m.removed > v.number`)}
      or coalesce(v.counts->'added', '{}') <> ${count(sql`m.added = v.number`)}
      or coalesce(v.counts->'removed', '{}') <> ${count(sql`m.removed = v.number`)}`,
  );
  await look("a list of kept members is left", sql`select * from version_kept`);
  return problems;
}

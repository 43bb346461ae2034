import { sql } from "kysely";
import type { Digests } from "#base/digests.ts";
import type { DomainRef, Executor } from "../ctx.ts";
import { prepared } from "../prepared.ts";

/** What a batch is looked up by. */
export interface UnitLookup {
  readonly domain: DomainRef;
  /** `content_type.num` */
  readonly type: number;
  readonly keys: readonly Buffer[];
  /** Whose sources are compared. */
  readonly remotes: readonly string[];
}

export interface KnownSource {
  readonly remote: string;
  readonly url: string;
  readonly size: number | null;
  readonly sha256: Buffer | null;
  readonly otherDigests: Digests | null;
}

export interface KnownFile {
  /** `content_artifact.id` */
  readonly id: string;
  readonly artifact: string | null;
  /** By `remote.id`; only of the remotes asked for. */
  readonly sources: ReadonlyMap<string, KnownSource>;
}

export interface KnownUnit {
  readonly id: string;
  /** Not touched for an hour. */
  readonly isStale: boolean;
  /** By `path_key`. */
  readonly files: ReadonlyMap<string, KnownFile>;
}

interface LookupRow {
  readonly natural_key: Buffer;
  readonly id: string;
  readonly is_stale: boolean;
  readonly file: string | null;
  readonly path_key: string | null;
  readonly artifact: string | null;
  readonly remote: string | null;
  readonly url: string | null;
  readonly size: number | null;
  readonly sha256: Buffer | null;
  readonly other_digests: Digests | null;
}

/**
 * The units that exist, by their natural key in hex, with their files and sources; one statement, which
 * looks each up by itself, whatever the planner takes the tables for.
 */
export async function knownUnits(
  db: Executor,
  lookup: UnitLookup,
): Promise<Map<string, KnownUnit>> {
  const { domain, type, keys, remotes } = lookup;
  const { rows } = await sql<LookupRow>`${prepared(keys.length)}
    select k.natural_key, c.id, c.touched < clock_timestamp() - interval '1 hour' as is_stale,
      f.id as file, f.path_key, f.artifact, r.remote, r.url, r.size, r.sha256, r.other_digests
    from unnest(${keys}::bytea[]) as k (natural_key)
    cross join lateral (
      select id, touched from content
      where domain = ${domain.num} and type = ${type} and natural_key = k.natural_key offset 0) c
    left join lateral (
      select id, path_key, artifact from content_artifact where content = c.id offset 0) f on true
    left join lateral (
      select remote, url, size, sha256, other_digests from remote_artifact
      where content_artifact = f.id and remote = any(${remotes}::uuid[]) offset 0) r on true`.execute(
    db,
  );
  return collectUnits(rows);
}

/** Rows of one unit for each of its files and sources → units. */
function collectUnits(rows: readonly LookupRow[]): Map<string, KnownUnit> {
  const units = new Map<string, KnownUnit & { readonly files: Map<string, KnownFile> }>();
  for (const row of rows) {
    const hex = row.natural_key.toString("hex");
    const unit = units.get(hex) ?? { id: row.id, isStale: row.is_stale, files: new Map() };
    units.set(hex, unit);
    if (row.file === null || row.path_key === null) continue;
    const sources = new Map<string, KnownSource>(unit.files.get(row.path_key)?.sources);
    if (row.remote !== null) sources.set(row.remote, sourceOf(row, row.remote));
    unit.files.set(row.path_key, { id: row.file, artifact: row.artifact, sources });
  }
  return units;
}

const sourceOf = (row: LookupRow, remote: string): KnownSource => ({
  remote,
  url: row.url ?? "",
  size: row.size,
  sha256: row.sha256,
  otherDigests: row.other_digests,
});

/** Which of the ids are no unit of the domain, in the order given. */
export async function missingUnits(
  db: Executor,
  domain: DomainRef,
  ids: readonly string[],
): Promise<string[]> {
  const rows = await db
    .selectFrom("content")
    .select("id")
    .where("domain", "=", domain.num)
    .where(sql<boolean>`id = any(${ids}::uuid[])`)
    .execute();
  const found = new Set(rows.map(({ id }) => id));
  return ids.filter((id) => !found.has(id));
}

/** Which of the ids are units of another domain: tells a foreign unit from a missing one. */
export async function unitsElsewhere(
  db: Executor,
  domain: DomainRef,
  ids: readonly string[],
): Promise<string[]> {
  // The key begins with the domain, so each domain is probed: right for the few ids of an error.
  const { rows } = await sql<{ id: string }>`
    select distinct c.id from domain d
    join content c on c.domain = d.num and c.id = any(${ids}::uuid[])
    where d.num <> ${domain.num}`.execute(db);
  const found = new Set(rows.map(({ id }) => id));
  return ids.filter((id) => found.has(id));
}

/** Those of the units that some domain has, whichever it is. */
export async function unitsAnywhere(
  db: Executor,
  ids: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    select distinct c.id from domain d
    cross join lateral (select id from content where domain = d.num and id = any(${ids}::uuid[])) c`.execute(
    db,
  );
  return rows.map(({ id }) => id);
}

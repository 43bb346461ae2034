import { type RawBuilder, sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { DomainRef, Trx } from "../ctx.ts";
import type { ContentType, DetailRow } from "../plugin-contract.ts";
import { prepared } from "../prepared.ts";
import type { PreparedUnit } from "./rules.ts";
import type { FileSource } from "./types.ts";

/** What the inserts of one batch share. */
export interface Target {
  readonly domain: DomainRef;
  readonly type: ContentType;
  /** `content_type.num` */
  readonly typeNum: number;
}

export interface NewFile {
  readonly content: string;
  readonly pathKey: string;
  readonly relativePath: string;
  readonly artifact: string | null;
}

export interface NewSource {
  readonly contentArtifact: string;
  readonly source: FileSource;
}

/** A unit with the `content.id` that it gets. */
export interface NewUnit {
  readonly id: string;
  readonly unit: PreparedUnit;
}

/**
 * Inserts units in the order given, with their details; those that a concurrent transaction made are
 * left out.
 *
 * @param target `isCounted`: counted in the same statement; else `countUnits` follows.
 * @returns ids by key
 */
export async function insertUnits(
  trx: Trx,
  target: Counted,
  units: readonly PreparedUnit[],
): Promise<Map<string, string>> {
  const withIds = units.map((unit) => ({ id: uuid7(), unit }));
  const insert = unitInsert(target, withIds, sql<{ id: string }>`select id from made`);
  const { rows: made } = await insert.execute(trx);
  const ids = new Set(made.map(({ id }) => id));
  return new Map(withIds.flatMap(({ id, unit }) => (ids.has(id) ? [[unit.hex, id] as const] : [])));
}

type Counted = Target & { readonly isCounted: boolean };

/** @param result what the statement ends with: the ids of the new rows are in `made` */
export function unitInsert<Row>(
  target: Counted,
  units: readonly NewUnit[],
  result: RawBuilder<Row>,
): RawBuilder<Row> {
  const labels = units.map(({ unit: { labels: own } }) =>
    own && Object.keys(own).length > 0 ? JSON.stringify(own) : null,
  );
  const columns = ["id", "domain", ...new Set(units.flatMap(({ unit }) => Object.keys(unit.row)))];
  const details = detailsOf(target, units);
  const list = (of: string) => sql.join(columns.map((column) => sql.ref(`${of}${column}`)));
  const table = sql.table(target.type.table);
  return sql<Row>`${prepared(units.length)}
    with made as (
      insert into content (id, domain, type, natural_key, slot, labels)
      select u.id, ${target.domain.num}, ${target.typeNum}, u.key, u.slot, u.labels::jsonb
      from unnest(${units.map(({ id }) => id)}::uuid[],
        ${units.map(({ unit }) => unit.key)}::bytea[],
        ${units.map(({ unit }) => unit.slot)}::uuid[], ${labels}::text[]) as u (id, key, slot, labels)
      on conflict on constraint content_one_per_key do nothing
      returning id),
    detailed as (
      insert into ${table} (${list("")})
      select ${list("d.")} from json_populate_recordset(
        json_populate_record(null::${table}, ${details.base}::json), ${details.records}::json) d
      join made on made.id = d.id)${target.isCounted ? counting(target) : sql``}
    ${result}`;
}

/**
 * What the first row has in a column stands for all rows that have the same in it, and is sent once:
 * many columns are empty in most rows.
 */
function detailsOf(
  { domain }: Target,
  units: readonly NewUnit[],
): { readonly base: string; readonly records: string } {
  const first = units[0]?.unit.row ?? {};
  const records = units.map(({ id, unit }) => ({ ...differences(unit.row, first), id }));
  const base = { ...differences(first, {}), domain: domain.num };
  return { base: JSON.stringify(base), records: JSON.stringify(records) };
}

const counting = ({ domain, typeNum }: Target) => sql`, counted as (
  insert into content_count (domain, type, n)
  select ${domain.num}::int, ${typeNum}::smallint, count(*) from made having count(*) > 0
  on conflict (domain, type) do update set n = content_count.n + excluded.n)`;

/** Columns in which a row is not as another one, as JSON takes them; those that it lacks are null. */
function differences(row: DetailRow, other: DetailRow): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name in row) {
    const value = row[name];
    if (value === other[name]) continue;
    // Bytes the way PostgreSQL reads them.
    found[name] = value instanceof Uint8Array ? bytesText(Buffer.from(value)) : (value ?? null);
  }
  for (const name in other) if (!(name in row)) found[name] = null;
  return found;
}

const bytesText = (bytes: Buffer): string => `\\x${bytes.toString("hex")}`;

interface FileRow {
  readonly id: string;
  readonly content: string;
  readonly path_key: string;
}

/** Inserts files; one that exists keeps its id and takes the artifact. Returns ids by unit and path. */
export async function insertFiles(
  trx: Trx,
  domain: DomainRef,
  files: readonly NewFile[],
): Promise<Map<string, string>> {
  const { rows } = await fileInsert(domain, files).execute(trx);
  return new Map(rows.map((row) => [fileKey(row.content, row.path_key), row.id]));
}

export const fileInsert = (domain: DomainRef, files: readonly NewFile[]): RawBuilder<FileRow> =>
  sql<FileRow>`${prepared(files.length)}
    insert into content_artifact (id, domain, content, artifact, relative_path, path_key)
    select u.id, ${domain.num}, u.content, u.artifact, u.path, u.key
    from unnest(${files.map(() => uuid7())}::uuid[], ${files.map((f) => f.content)}::uuid[],
      ${files.map((f) => f.artifact)}::uuid[], ${files.map((f) => f.relativePath)}::text[],
      ${files.map((f) => f.pathKey)}::uuid[]) as u (id, content, artifact, path, key)
    on conflict on constraint content_artifact_one_per_path
      do update set artifact = coalesce(excluded.artifact, content_artifact.artifact)
    returning id, content, path_key`;

export const fileKey = (content: string, pathKey: string): string => `${content} ${pathKey}`;

/** Sets the artifacts of files that are there. */
export async function fillFiles(
  trx: Trx,
  domain: DomainRef,
  files: readonly { readonly id: string; readonly artifact: string }[],
): Promise<void> {
  await sql`
    with filled as (
      select f.id, u.artifact
      from unnest(${files.map((f) => f.id)}::uuid[], ${files.map((f) => f.artifact)}::uuid[])
        as u (id, artifact)
      join content_artifact f on f.domain = ${domain.num} and f.id = u.id
      order by f.id for no key update of f)
    update content_artifact f set artifact = filled.artifact
    from filled where f.domain = ${domain.num} and f.id = filled.id`.execute(trx);
}

/** Inserts or corrects where remotes have the files; facts that are not given stay. */
export async function putSources(
  trx: Trx,
  domain: DomainRef,
  sources: readonly NewSource[],
): Promise<void> {
  const records = sources.map(({ contentArtifact, source }) => ({
    id: uuid7(),
    remote: source.remote,
    content_artifact: contentArtifact,
    url: source.url,
    size: source.size ?? null,
    sha256: source.sha256 === undefined ? null : `\\x${source.sha256}`,
    other_digests: source.otherDigests ?? null,
  }));
  await sql`
    insert into remote_artifact (id, domain, remote, content_artifact, url, size, sha256, other_digests)
    select r.id, ${domain.num}, r.remote, r.content_artifact, r.url, r.size, r.sha256, r.other_digests
    from json_to_recordset(${JSON.stringify(records)}::json) as r (id uuid, remote uuid,
      content_artifact uuid, url text, size bigint, sha256 bytea, other_digests jsonb)
    on conflict on constraint remote_artifact_one_per_remote do update set url = excluded.url,
      size = coalesce(excluded.size, remote_artifact.size),
      sha256 = coalesce(excluded.sha256, remote_artifact.sha256),
      other_digests = coalesce(excluded.other_digests, remote_artifact.other_digests),
      failed_at = null`.execute(trx);
}

/** Counts new units; last in a transaction, since every writer of the type waits for this row. */
export async function countUnits(trx: Trx, target: Target, by: number): Promise<void> {
  await sql`${prepared(1)}
    insert into content_count (domain, type, n) values (${target.domain.num}, ${target.typeNum}, ${by})
    on conflict (domain, type) do update set n = content_count.n + excluded.n`.execute(trx);
}

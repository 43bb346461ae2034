import { CompiledQuery } from "kysely";
import type { Ctx, Executor } from "#core/ctx.ts";
import type { ContentRequest, Match } from "./contract.ts";

/** One line of a directory. */
export interface ListingEntry {
  /** Directories end in a slash. */
  readonly name: string;
  /** When the newest unit came in, ISO 8601; null is unknown. */
  readonly at: string | null;
  /** Null for directories and unknown sizes. */
  readonly sizeBytes: number | null;
}

interface Query {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** First entries of a directory, in code point order. */
export async function firstEntries(db: Executor, query: Query, limit: number) {
  const text = `${query.text} limit ${limit}`;
  const { rows } = await db.executeQuery<ListingEntry>(CompiledQuery.raw(text, [...query.values]));
  return rows;
}

/** All entries of a directory in pages; the database groups, the caller sees one page at a time. */
export async function forEachPage(
  ctx: Ctx,
  query: Query,
  take: (page: readonly ListingEntry[]) => Promise<void>,
): Promise<void> {
  await ctx.db.transaction().execute(async (trx) => {
    const declare = `declare entries no scroll cursor for ${query.text}`;
    await trx.executeQuery(CompiledQuery.raw(declare, [...query.values]));
    for (;;) {
      const page = await trx.executeQuery<ListingEntry>(CompiledQuery.raw(FETCH, []));
      if (page.rows.length === 0) return;
      await take(page.rows);
    }
  });
}

const FETCH = "fetch 5000 from entries";

/** What lies in a directory of a publication or version: the next segment of each path below it. */
export function directoryQuery(match: Match, directory: string): Query {
  const files = filesBelow(match, directory);
  return {
    ...files,
    text: `
select name, max(at) as at,
  case when name like '%/' then null else max(size) end as "sizeBytes"
from (
  select left(rest, strpos(rest || '/', '/')) collate "C" as name, at, size
  from (select substr(relative_path, length($4::text) + 1) as rest, at, size
    from (${files.text}) files) below) named
group by name order by name`,
  };
}

/** Every file below a directory, one page with the count of all (core-content §5.12). */
export async function filesPage(
  ctx: Ctx,
  { match }: Pick<ContentRequest, "match">,
  page: { readonly directory: string; readonly limit: number; readonly offset: number },
): Promise<{ readonly count: number; readonly entries: readonly ListingEntry[] }> {
  const files = filesBelow(match, page.directory);
  const text = `
with files as materialized (
  select relative_path, max(at) as at, max(size) as size from (${files.text}) every_file
  group by relative_path)
select (select count(*) from files) as count, substr(relative_path, length($4::text) + 1) as name, at,
  size as "sizeBytes"
from (select) one left join (select * from files order by relative_path
  limit ${page.limit} offset ${page.offset}) page on true`;
  type Row = ListingEntry & { readonly count: number; readonly name: string | null };
  const { rows } = await ctx.db.executeQuery<Row>(CompiledQuery.raw(text, [...files.values]));
  return { count: rows[0]?.count ?? 0, entries: rows.filter(({ name }) => name !== null) };
}

/** `relative_path, at, size` of the files below a directory, which is $4. */
function filesBelow({ publication, version, domain }: Match, directory: string): Query {
  const parts = [
    ...(publication ? [published(directory)] : []),
    ...(version && (!publication || publication.layout === "pass_through")
      ? [members(directory)]
      : []),
  ];
  return {
    text: parts.join("\n  union all"),
    values: [
      ...[domain.num, version?.repository ?? null, version?.number ?? null, directory],
      ...(publication ? [publication.id] : []),
    ],
  };
}

const below = (column: string, directory: string): string =>
  directory === "" ? "" : `and ${column} >= $4 and ${column} < left($4, -1) || '0'`;

const SIZE = `coalesce(a.size, (select max(ra.size) from remote_artifact ra
    where a.id is null and ra.content_artifact = ca.id)) as size`;

const published = (directory: string): string => `
  select pp.relative_path::text, coalesce(m.at, p.created) as at, ${SIZE}
  from publication p
  join publication_path pp on pp.publication = p.id
  left join content_artifact ca on ca.domain = $1::int and ca.id = pp.content_artifact
  left join artifact a on a.domain = $1::int and a.id = coalesce(pp.artifact, ca.artifact)
  left join membership m on m.repository = $2::int and m.content = ca.content
    and m.added <= $3::int and m.removed > $3::int
  where p.id = $5::uuid ${below("pp.relative_path", directory)}`;

const members = (directory: string): string => `
  select ca.relative_path::text, m.at, ${SIZE}
  from membership m
  join content_artifact ca on ca.domain = m.domain and ca.content = m.content
  left join artifact a on a.domain = m.domain and a.id = ca.artifact
  where m.domain = $1::int and m.repository = $2::int and m.added <= $3::int and m.removed > $3::int ${below("ca.relative_path", directory)}`;

/** Next segments of the base paths below a prefix (`""` or `a/`) that listings show. */
export function distributionsQuery(
  domain: Match["domain"],
  prefix: string,
  unlisted: readonly string[],
): Query {
  return {
    text: `
select distinct left(rest, strpos(rest, '/')) collate "C" as name,
  null::timestamptz as at, null::bigint as "sizeBytes"
from (select substr(base_path, length($2::text) + 1) || '/' as rest
  from distribution
  where domain = $1::int and not hidden and (guard is null or not $3::boolean)
    and type <> all($4::text[])
    and ($2 = '' or base_path >= $2 and base_path < left($2, -1) || '0')) below
order by 1`,
    values: [domain.num, prefix, domain.hidesGuarded, unlisted],
  };
}

/** Names of the checkpoints of a distribution, as directories. */
export function checkpointsQuery({ domain, distribution }: Match): Query {
  return {
    text: `
select distinct to_char(p.created at time zone 'UTC', 'YYYYMMDD"T"HH24MISS"Z/"') collate "C" as name,
  null::timestamptz as at, null::bigint as "sizeBytes"
from repository r
join repository_version v on v.repository = r.num
join publication p on p.version = v.id
where r.domain = $1::int and r.id = $2::uuid and p.complete and p.checkpoint
order by 1`,
    values: [domain.num, distribution.repository],
  };
}

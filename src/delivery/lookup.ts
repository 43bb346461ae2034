import { Batcher } from "#base/batcher.ts";
import { key128 } from "#base/digests.ts";
import type { Ctx } from "#core/ctx.ts";
import type { HotStatement } from "#platform/db/hot.ts";
import type { Match, StoredArtifact } from "./contract.ts";

/** The file at a path; `artifact` is null while nobody has downloaded it. */
export interface FoundFile {
  readonly contentArtifact: string | null;
  readonly artifact: StoredArtifact | null;
  readonly at: string | null;
}

export interface Found {
  readonly file: FoundFile | undefined;
  /** No file, but files below the path. */
  readonly isDirectory: boolean;
}

export interface LookupOptions {
  /** Only files that the publication itself lists. */
  readonly publishedOnly?: boolean;
}

/** Where files of a version are found: by slot, by path key, or not at all. */
type VersionAccess = "slot" | "path" | "none";

/**
 * Finds the file of a path in what a distribution serves, in one statement (data-model §6, path
 * rule).
 *
 * @param path canonical, not empty.
 * @param unitPath path of the unit file, where a layout says that it differs.
 */
export async function lookupFile(
  ctx: Ctx,
  { publication, version, domain }: Pick<Match, "publication" | "version" | "domain">,
  lookup: { readonly path: string; readonly unitPath: string | undefined } & LookupOptions,
): Promise<Found> {
  const access = lookup.publishedOnly ? "none" : versionAccess(ctx, { version, ...lookup });
  const statement = STATEMENTS[lookupKind(publication)][access];
  if (!statement) return { file: undefined, isDirectory: false };
  const key = lookup.unitPath === undefined ? null : key128(lookup.unitPath);
  const row = await lookUpTogether(ctx, statement, [
    ...[domain.num, version?.repository ?? null, version?.number ?? null, lookup.path, key],
    publication?.id ?? null,
  ]);
  return { file: row && toFile(ctx, row), isDirectory: row?.is_directory ?? false };
}

/**
 * Finds a file in the superseded publications of a distribution that may still be asked for, the
 * newest first (core-content §4.4).
 */
export async function lookupGrace(
  ctx: Ctx,
  { domain, distribution }: Pick<Match, "domain" | "distribution">,
  path: string,
): Promise<FoundFile | undefined> {
  const [row] = await ctx.hot.query(GRACE, [domain.num, path, key128(path), distribution.id]);
  return row && toFile(ctx, row);
}

/** The file of one unit row, for handlers that answer with its id. */
export async function lookupContentArtifact(
  ctx: Ctx,
  { domain, version }: Pick<Match, "domain" | "version">,
  id: string,
): Promise<FoundFile | undefined> {
  const [row] = await ctx.hot.query(BY_ID, [
    domain.num,
    version?.repository ?? null,
    version?.number ?? null,
    id,
  ]);
  return row && toFile(ctx, row);
}

/** A publication serves units at their own path, at another one, or only what it lists itself. */
type LookupKind = "plain" | "passThrough" | "layout";

const lookupKind = (publication: Match["publication"]): LookupKind => {
  if (!publication) return "plain";
  return publication.layout === "pass_through" ? "passThrough" : "layout";
};

/** The file of a unit that a remote has at an address, for pull-through. */
export async function lookupRemoteFile(
  ctx: Ctx,
  domain: Match["domain"],
  { remote, url, key }: { readonly remote: string; readonly url: string; readonly key: string },
): Promise<FoundFile | undefined> {
  const [row] = await ctx.hot.query(BY_REMOTE, [domain.num, key, remote, url]);
  return row && toFile(ctx, row);
}

function versionAccess(
  ctx: Ctx,
  { version, unitPath }: { version: Match["version"]; unitPath: string | undefined },
): VersionAccess {
  if (!version || unitPath === undefined) return "none";
  const { contentTypes } = ctx.plugins.repositoryType(version.repositoryType);
  const isByPath = contentTypes.every((name) => ctx.plugins.contentType(name).slotIsPath);
  return isByPath ? "slot" : "path";
}

function toFile(ctx: Ctx, row: FileRow): FoundFile | undefined {
  if (row.is_directory || (row.content_artifact === null && row.artifact === null))
    return undefined;
  if (row.candidates > 1)
    ctx.log.warn(`${row.candidates} units share a path; the newest member is served`, {
      contentArtifact: row.content_artifact,
    });
  const { artifact: id, sha256, size, file } = row;
  const artifact = id === null ? null : { id, sha256, sizeBytes: size, file };
  return { contentArtifact: row.content_artifact, artifact, at: row.at };
}

/** Values of one look-up, as both forms of its statement take them. */
type LookupValues = readonly (string | number | null)[];

/** Look-ups of one kind, alone or several in one statement. */
interface LookupStatement {
  readonly one: HotStatement<FileRow>;
  readonly many: HotStatement<FileRow>;
}

/** Look-ups that share a statement; two statements are under way at a time. */
const BATCHES = { most: 32, atOnce: 2 };

type Lookups = Batcher<LookupValues, FileRow | undefined>;
const batchers = new WeakMap<Ctx["hot"], Map<LookupStatement, Lookups>>();

/** Look-ups that come while others are under way go together; on an idle server nobody waits. */
function lookUpTogether(
  { hot }: Ctx,
  statement: LookupStatement,
  values: LookupValues,
): Promise<FileRow | undefined> {
  const known = batchers.get(hot) ?? new Map<LookupStatement, Lookups>();
  batchers.set(hot, known);
  const batcher =
    known.get(statement) ?? new Batcher((all) => lookUpAll(hot, statement, all), BATCHES);
  known.set(statement, batcher);
  return batcher.add(values);
}

async function lookUpAll(
  hot: Ctx["hot"],
  { one, many }: LookupStatement,
  all: readonly LookupValues[],
): Promise<readonly (FileRow | undefined)[]> {
  const [first = []] = all;
  if (all.length === 1) return [(await hot.query(one, first))[0]];
  const columns = first.map((_, at) => all.map((values) => values[at] ?? null));
  return hot.query(many, columns);
}

interface FileRow {
  readonly content_artifact: string | null;
  readonly artifact: string | null;
  readonly sha256: Buffer;
  readonly size: number;
  readonly file: string | null;
  readonly at: string | null;
  readonly candidates: number;
  readonly is_directory: boolean;
}

const COLUMNS = "ca.id as content_artifact, a.id as artifact, a.sha256, a.size, a.file, m.at";
const MEMBER = (repository: string, number: string) =>
  `m.repository = ${repository} and m.added <= ${number} and m.removed > ${number}`;

/** SQL expressions that a look-up is made of. */
interface Names {
  readonly domain: string;
  readonly repository: string;
  readonly number: string;
  readonly path: string;
  readonly key: string;
  readonly publication: string;
}

const published = ({ domain, publication, path, repository, number }: Names): string => `
  (select ${COLUMNS}, 1 as candidates
  from publication_path pp
  left join content_artifact ca on ca.domain = ${domain} and ca.id = pp.content_artifact
  left join artifact a on a.domain = ${domain} and a.id = coalesce(pp.artifact, ca.artifact)
  left join membership m on m.content = ca.content and ${MEMBER(repository, number)}
  where pp.publication = ${publication} and pp.relative_path = ${path})`;

const bySlot = ({ domain, repository, number, key }: Names): string => `
  (select ${COLUMNS}, 1 as candidates
  from membership m
  join content_artifact ca on ca.domain = ${domain} and ca.content = m.content and ca.path_key = ${key}
  left join artifact a on a.domain = ${domain} and a.id = ca.artifact
  where ${MEMBER(repository, number)} and m.slot = ${key}
  limit 1)`;

const byPath = ({ domain, repository, number, key }: Names): string => `
  (select ${COLUMNS}, count(*) over ()::int as candidates
  from content_artifact ca
  join membership m on m.content = ca.content and ${MEMBER(repository, number)}
  left join artifact a on a.domain = ${domain} and a.id = ca.artifact
  where ca.domain = ${domain} and ca.path_key = ${key}
  order by m.at desc, ca.id desc limit 1)`;

const publishedBelow = ({ publication, path }: Names): string => `
  exists (select from publication_path pp where pp.publication = ${publication}
    and pp.relative_path >= ${path} || '/' and pp.relative_path < ${path} || '0')`;

/**
 * Paths of the whole domain lie in one index, so most directories are settled by one probe. Where
 * a name is common in other repositories, the members of this one decide.
 */
const PROBE = 500;
const memberBelow = ({ domain, repository, number, path }: Names): string => {
  const range = `ca.domain = ${domain} and ca.relative_path >= ${path} || '/' and ca.relative_path < ${path} || '0'`;
  const isMember = `m.content = c.content and ${MEMBER(repository, number)}`;
  const some = `select ca.content from content_artifact ca where ${range} limit ${PROBE}`;
  return `
  case when exists (select from (${some}) c join membership m on ${isMember}) then true
    when (select count(*) from (${some}) c) < ${PROBE} then false
    else exists (select from membership m join content_artifact ca on ca.content = m.content
      where ${MEMBER(repository, number)} and ${range}) end`;
};

/**
 * A value that the planner cannot look at, so that a plan for one value is a plan for all. Else the
 * server would plan anew for each request, which costs twenty times the look-up.
 */
const hidden = (parameter: string): string => `(select ${parameter})`;

const PLAIN: Names = {
  ...{ domain: hidden("$1::int"), repository: hidden("$2::int"), number: hidden("$3::int") },
  ...{ path: hidden("$4::text"), key: hidden("$5::uuid"), publication: hidden("$6::uuid") },
};

/** The same of one look-up among several. */
const EACH: Names = {
  ...{ domain: "i.domain", repository: "i.repository", number: "i.number" },
  ...{ path: "i.path", key: "i.key", publication: "i.publication" },
};

function lookupParts(kind: LookupKind, access: VersionAccess, names: Names) {
  const isPublished = kind !== "plain";
  const files = [
    ...(isPublished ? [published(names)] : []),
    ...(access === "slot" ? [bySlot(names)] : []),
    ...(access === "path" ? [byPath(names)] : []),
  ];
  const below = [
    ...(isPublished ? [publishedBelow(names)] : []),
    ...(access === "none" || kind === "layout" ? [] : [memberBelow(names)]),
  ];
  return { file: files.join("\n  union all"), isBelow: below.join("\n or ") };
}

function statement(kind: LookupKind, access: VersionAccess): LookupStatement {
  const [alone, each] = [PLAIN, EACH].map((names) => lookupParts(kind, access, names));
  const name = `delivery-lookup-${kind}-${access}`;
  return {
    one: {
      name,
      text: `
select f.*, f.candidates is null and (${alone?.isBelow}) as is_directory
from (select $2::int, $3::int, $5::uuid, $6::uuid) given
left join (select * from (${alone?.file}) every limit 1) f on true`,
    },
    many: {
      name: `${name}-many`,
      text: `
select f.*, f.candidates is null and (${each?.isBelow}) as is_directory
from unnest($1::int[], $2::int[], $3::int[], $4::text[], $5::uuid[], $6::uuid[])
  with ordinality as i (domain, repository, number, path, key, publication, n)
left join lateral (select * from (${each?.file}) every limit 1) f on true
order by i.n`,
    },
  };
}

const statements = (kind: LookupKind) => ({
  none: kind === "plain" ? undefined : statement(kind, "none"),
  slot: statement(kind, "slot"),
  path: statement(kind, "path"),
});
const STATEMENTS = {
  plain: statements("plain"),
  passThrough: statements("passThrough"),
  layout: statements("layout"),
};

const GRACE_NAMES: Names = {
  ...{ domain: hidden("$1::int"), repository: "v.repository", number: "v.number" },
  ...{ path: hidden("$2::text"), key: hidden("$3::uuid"), publication: "p.id" },
};
const GRACE: HotStatement<FileRow> = {
  name: "delivery-lookup-grace",
  text: `
select f.*, false as is_directory
from distributed_publication dp
join publication p on p.id = dp.publication and p.complete
join repository_version v on v.id = p.version
join lateral (${published(GRACE_NAMES)}
  union all (select * from ${byPath(GRACE_NAMES)} passed where p.layout = 'pass_through')
  limit 1) f on true
where dp.distribution = $4 and dp.expires_at > statement_timestamp()
order by dp.created desc limit 1`,
};

const BY_ID: HotStatement<FileRow> = {
  name: "delivery-lookup-content-artifact",
  text: `
select ${COLUMNS}, 1 as candidates, false as is_directory
from content_artifact ca
left join artifact a on a.domain = ca.domain and a.id = ca.artifact
left join membership m on m.content = ca.content and ${MEMBER("$2::int", "$3::int")}
where ca.domain = $1::int and ca.id = $4`,
};

const BY_REMOTE: HotStatement<FileRow> = {
  name: "delivery-lookup-remote",
  text: `
select ca.id as content_artifact, a.id as artifact, a.sha256, a.size, a.file,
  null::timestamptz as at, 1 as candidates, false as is_directory
from content_artifact ca
join remote_artifact ra on ra.content_artifact = ca.id and ra.remote = $3 and ra.url = $4
left join artifact a on a.domain = ca.domain and a.id = ca.artifact
where ca.domain = $1::int and ca.path_key = $2
order by ca.id desc limit 1`,
};

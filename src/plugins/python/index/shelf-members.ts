/** Statements about the members of several versions at once: what a group has, in order. */
import type { Ctx } from "#sdk";
import type { Project, ProjectFile } from "./members.ts";
import type { ServedVersion } from "./place.ts";

/** Versions of a domain, the first of which counts first. */
export interface Shelves {
  /** `domain.num` */
  readonly domain: number;
  readonly versions: readonly (ServedVersion | null)[];
}

/** A file of one of them. */
export interface ShelfFile extends ProjectFile {
  /** Index of its version among the shelves. */
  readonly shelf: number;
  /** `content.id` */
  readonly id: string;
  readonly packagetype: string;
  readonly python_version: string;
  /** Lower-case hex; empty where it is not worked out. */
  readonly md5: string;
}

/** $1 domain, $2 number of the shelf, $3 `repository.num`, $4 number of the version. */
const parametersOf = ({ domain, versions }: Shelves): readonly unknown[] => {
  const there = versions.flatMap((version, i) => (version ? [{ i, ...version }] : []));
  return [
    domain,
    there.map(({ i }) => i),
    there.map(({ repository }) => repository),
    there.map(({ number }) => number),
  ];
};

const SHELVES = "unnest($2::int[], $3::int[], $4::int[]) as s (shelf, repository, number)";

const isOn = (alias: string, content: string): string =>
  `${alias}.content = ${content} and ${alias}.repository = s.repository
    and ${alias}.added <= s.number and ${alias}.removed > s.number`;

const FILES = {
  name: "python-shelf-files",
  text: `
select s.shelf, p.id, p.filename, p.name, p.version, encode(p.sha256, 'hex') as sha256, p.size,
  p.requires_python, encode(p.metadata_sha256, 'hex') as metadata_sha256, m.at, y.yanked_reason,
  p.packagetype, p.python_version, coalesce(encode(g.md5, 'hex'), '') as md5,
  exists (select from python_provenance v join membership mv on ${isOn("mv", "v.id")}
    where v.domain = p.domain and v.package = p.id) as has_provenance
from python_package p
cross join ${SHELVES}
join membership m on ${isOn("m", "p.id")}
left join lateral (
  select k.yanked_reason from python_yank k join membership mk on ${isOn("mk", "k.id")}
  where k.domain = p.domain and k.name_normalized = p.name_normalized and k.version = p.version
  limit 1) y on true
left join artifact a on a.domain = p.domain and a.sha256 = p.sha256
left join artifact_digest g on g.domain = a.domain and g.artifact = a.id
where p.domain = (select $1::int) and p.name_normalized = (select $5::text)
order by s.shelf, p.packagetype, p.filename`,
};

/**
 * The files of a project on all shelves, in one statement.
 *
 * @param name normalised.
 */
export const shelfFiles = (
  { hot }: Pick<Ctx, "hot">,
  shelves: Shelves,
  name: string,
): Promise<readonly ShelfFile[]> => hot.query<ShelfFile>(FILES, [...parametersOf(shelves), name]);

const BATCH = 5000;

const NEXT_PROJECTS = {
  name: "python-shelf-projects",
  text: `
select distinct on (p.name_normalized) p.name_normalized, p.name
from python_package p
where p.domain = (select $1::int) and p.name_normalized > (select $5::text)
  and exists (select from ${SHELVES} join membership m on ${isOn("m", "p.id")}
)
order by p.name_normalized limit ${BATCH}`,
};

/** Every project of the shelves once, by normalised name, a bounded number at a time. */
export async function* shelfProjects(
  { hot }: Pick<Ctx, "hot">,
  shelves: Shelves,
): AsyncGenerator<readonly Project[]> {
  for (let last = ""; ; ) {
    const batch = await hot.query<Project>(NEXT_PROJECTS, [...parametersOf(shelves), last]);
    if (batch.length > 0) yield batch;
    if (batch.length < BATCH) return;
    last = batch.at(-1)?.name_normalized ?? "";
  }
}

const NAMES = {
  name: "python-shelf-names",
  text: `
select distinct p.name_normalized as name
from python_package p
where p.domain = (select $1::int) and p.name_normalized = any((select $5::text[])::text[])
  and exists (select from ${SHELVES} join membership m on ${isOn("m", "p.id")}
)`,
};

/** Which of some normalised names the shelves have. */
export async function namesOnShelves(
  { hot }: Pick<Ctx, "hot">,
  shelves: Shelves,
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await hot.query<{ name: string }>(NAMES, [...parametersOf(shelves), names]);
  return new Set(rows.map(({ name }) => name));
}

const SUMMARY = {
  name: "python-shelf-summary",
  text: `
select count(distinct p.name_normalized)::int as projects,
  count(distinct (p.name_normalized, p.version))::int as releases,
  count(distinct p.filename)::int as files
from ${SHELVES}
join membership m on m.repository = s.repository and m.domain = $1::int
  and m.added <= s.number and m.removed > s.number
join python_package p on p.domain = m.domain and p.id = m.content`,
};

export async function shelfSummary({ hot }: Pick<Ctx, "hot">, shelves: Shelves) {
  const rows = await hot.query<{ projects: number; releases: number; files: number }>(
    SUMMARY,
    parametersOf(shelves),
  );
  return rows[0] ?? { projects: 0, releases: 0, files: 0 };
}

const PROVENANCE = {
  name: "python-shelf-provenance",
  text: `
select v.provenance::text as provenance
from python_package p
cross join ${SHELVES}
join membership m on ${isOn("m", "p.id")}
join python_provenance v on v.domain = p.domain and v.package = p.id
join membership mv on ${isOn("mv", "v.id")}
where p.domain = (select $1::int) and p.name_normalized = (select $5::text)
  and p.version = (select $6::text) and p.filename = (select $7::text)
  and not exists (select from ${SHELVES.replace("as s", "as b")}
    join membership mb on mb.repository = b.repository and mb.added <= b.number
      and mb.removed > b.number
    join python_package pb on pb.domain = p.domain and pb.id = mb.content
      and pb.filename = p.filename
    where b.shelf < s.shelf and pb.domain = p.domain)
order by s.shelf limit 1`,
};

/** What is stated about a file on the first shelf that has it, as JSON. */
export async function shelfProvenance(
  { hot }: Pick<Ctx, "hot">,
  shelves: Shelves,
  file: { readonly name: string; readonly version: string; readonly filename: string },
): Promise<string | undefined> {
  const { name, version, filename } = file;
  const values = [...parametersOf(shelves), name, version, filename];
  const [row] = await hot.query<{ provenance: string }>(PROVENANCE, values);
  return row?.provenance;
}

const LISTED = {
  name: "python-shelf-listed",
  text: `
select exists (select from ${SHELVES}
  cross join lateral (select id from python_package
    where domain = $1::int and filename = $5::text offset 0) p
  cross join lateral (select from membership m where ${isOn("m", "p.id")} offset 0) m) as found`,
};

/** Whether one of the shelves has a file of that name. */
export async function isOnShelves(
  { hot }: Pick<Ctx, "hot">,
  shelves: Shelves,
  filename: string,
): Promise<boolean> {
  const [row] = await hot.query<{ found: boolean }>(LISTED, [...parametersOf(shelves), filename]);
  return row?.found === true;
}

const PULLED = {
  name: "python-pulled-filenames",
  text: `
select distinct p.filename from python_package p
join content_artifact ca on ca.domain = p.domain and ca.content = p.id
join remote_artifact r on r.domain = ca.domain and r.content_artifact = ca.id
where p.domain = (select $1::int) and p.name_normalized = (select $2::text)
  and r.remote = (select $3::uuid)`,
};

/** Files of a project that came from a remote. */
export async function pulledNames(
  { hot }: Pick<Ctx, "hot">,
  of: { readonly domain: number; readonly remote: string },
  name: string,
): Promise<ReadonlySet<string>> {
  const rows = await hot.query<{ filename: string }>(PULLED, [of.domain, name, of.remote]);
  return new Set(rows.map(({ filename }) => filename));
}

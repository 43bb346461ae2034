import type { Ctx } from "#sdk";
import type { ServedVersion } from "./place.ts";

/** One file of a project, as pages tell it. */
export interface ProjectFile {
  readonly filename: string;
  /** As spelled in the file; of different files it may differ. */
  readonly name: string;
  readonly version: string;
  /** Lower-case hex; null where only upstream has the file, and did not tell. */
  readonly sha256: string | null;
  /** The same holds for bytes. */
  readonly size: number | null;
  readonly requires_python: string;
  /** Of the metadata beside a wheel, in lower-case hex. */
  readonly metadata_sha256: string | null;
  /** When it came into the repository, or into the index of upstream; null where nobody knows. */
  readonly at: string | null;
  /** Why the release should not be chosen; null where it may be. */
  readonly yanked_reason: string | null;
  readonly has_provenance: boolean;
  /** Address of the folder that it lies in, where that is not the folder of the index. */
  readonly folder?: string;
  /** Of a file that the repository lacks and the remote has. */
  readonly upstream?: {
    /** Address of ours that fetches it. */
    readonly url: string;
    /** Metadata lie beside it, also where their digest is not known. */
    readonly hasMetadata: boolean;
    readonly provenance: string | null;
    /** Which remote, and when that changed. */
    readonly remote: { readonly id: string; readonly changed: string };
  };
}

/** A version in a domain. */
export interface Members {
  /** `domain.num` */
  readonly domain: number;
  readonly version: ServedVersion;
}

/** First parameters of statements about the members of a version. */
export const membersOf = ({ domain, version }: Members): readonly number[] => [
  domain,
  version.repository,
  version.number,
];

/**
 * $1 domain, $2 `repository.num`, $3 number of the version. Selects hide the values from the planner,
 * so that one plan serves all requests.
 */
export const isMember = (alias: string, content: string): string =>
  `${alias}.content = ${content} and ${alias}.repository = (select $2::int)
    and ${alias}.added <= (select $3::int) and ${alias}.removed > (select $3::int)`;

/** `y.yanked_reason` of the release of package `p`. */
export const YANK = `
left join lateral (
  select k.yanked_reason from python_yank k join membership mk on ${isMember("mk", "k.id")}
  where k.domain = p.domain and k.name_normalized = p.name_normalized and k.version = p.version
  limit 1) y on true`;

const FILES = {
  name: "python-index-files",
  text: `
select p.filename, p.name, p.version, encode(p.sha256, 'hex') as sha256, p.size,
  p.requires_python, encode(p.metadata_sha256, 'hex') as metadata_sha256, m.at, y.yanked_reason,
  exists (select from python_provenance v join membership mv on ${isMember("mv", "v.id")}
    where v.domain = p.domain and v.package = p.id) as has_provenance
from python_package p
join membership m on ${isMember("m", "p.id")}
${YANK}
where p.domain = (select $1::int) and p.name_normalized = (select $4::text)
order by p.filename`,
};

/**
 * The files of a project, by name. The cost does not grow with the repository.
 *
 * @param name normalised.
 */
export const projectFiles = (
  { hot }: Pick<Ctx, "hot">,
  members: Members,
  name: string,
): Promise<readonly ProjectFile[]> => hot.query<ProjectFile>(FILES, [...membersOf(members), name]);

export interface Project {
  /** One of the spellings. */
  readonly name: string;
  readonly name_normalized: string;
}

/** Up to so many packages are sorted at once; a longer list is read along the index of names. */
export const SORTED_AT_ONCE = 20_000;
const BATCH = 5000;

const ALL_PROJECTS = {
  name: "python-index-all-projects",
  text: `
select distinct on (p.name_normalized) p.name_normalized, p.name
from membership m join python_package p on p.domain = m.domain and p.id = m.content
where m.repository = (select $2::int) and m.domain = (select $1::int)
  and m.added <= (select $3::int) and m.removed > (select $3::int)
order by p.name_normalized, p.name`,
};

const NEXT_PROJECTS = {
  name: "python-index-next-projects",
  text: `
select distinct on (p.name_normalized) p.name_normalized, p.name
from python_package p join membership m on ${isMember("m", "p.id")}
where p.domain = (select $1::int) and p.name_normalized > (select $4::text)
order by p.name_normalized limit ${BATCH}`,
};

/** Every project of a version once, by normalised name, a bounded number at a time. */
export async function* projects(
  { hot }: Pick<Ctx, "hot">,
  members: Members,
): AsyncGenerator<readonly Project[]> {
  if (members.version.packages <= SORTED_AT_ONCE) {
    yield await hot.query<Project>(ALL_PROJECTS, membersOf(members));
    return;
  }
  for (let last = ""; ; ) {
    const batch = await hot.query<Project>(NEXT_PROJECTS, [...membersOf(members), last]);
    if (batch.length > 0) yield batch;
    if (batch.length < BATCH) return;
    last = batch.at(-1)?.name_normalized ?? "";
  }
}

const SUMMARY = {
  name: "python-index-summary",
  text: `
select count(distinct p.name_normalized)::int as projects,
  count(distinct (p.name_normalized, p.version))::int as releases, count(*)::int as files
from membership m join python_package p on p.domain = m.domain and p.id = m.content
where m.repository = (select $2::int) and m.domain = (select $1::int)
  and m.added <= (select $3::int) and m.removed > (select $3::int)`,
};

/** What the root of an index counts. */
export interface Summary {
  readonly projects: number;
  readonly releases: number;
  readonly files: number;
}

export async function summary(ctx: Pick<Ctx, "hot">, members: Members): Promise<Summary> {
  const [row] = await ctx.hot.query<Summary>(SUMMARY, membersOf(members));
  return row ?? { projects: 0, releases: 0, files: 0 };
}

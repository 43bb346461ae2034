import type { Ctx } from "#sdk";
import { isMember, type Members, membersOf, YANK } from "./members.ts";

/** A file of a release, as the metadata of its project tell it. */
export interface ReleaseFile {
  readonly id: string;
  readonly filename: string;
  readonly version: string;
  readonly packagetype: string;
  readonly python_version: string;
  readonly requires_python: string;
  /** Bytes. */
  readonly size: number;
  /** Digests in lower-case hex; MD5 is empty where it is not worked out. */
  readonly sha256: string;
  readonly md5: string;
  readonly at: string;
  readonly yanked_reason: string | null;
}

const FILES = {
  name: "python-index-release-files",
  text: `
select p.id, p.filename, p.version, p.packagetype, p.python_version, p.requires_python, p.size,
  encode(p.sha256, 'hex') as sha256, coalesce(encode(g.md5, 'hex'), '') as md5, m.at,
  y.yanked_reason
from python_package p
join membership m on ${isMember("m", "p.id")}
${YANK}
left join artifact a on a.domain = p.domain and a.sha256 = p.sha256
left join artifact_digest g on g.domain = a.domain and g.artifact = a.id
where p.domain = (select $1::int) and p.name_normalized = (select $4::text)
order by p.packagetype, p.filename`,
};

/** @param name normalised. */
export const releaseFiles = (
  { hot }: Pick<Ctx, "hot">,
  members: Members,
  name: string,
): Promise<readonly ReleaseFile[]> => hot.query<ReleaseFile>(FILES, [...membersOf(members), name]);

/** What a file says of its release; columns of several values are JSON text. */
export type Described = Readonly<Record<(typeof TEXTS)[number] | (typeof LISTS)[number], string>>;

/** Columns that are shown as they are. */
export const TEXTS = [
  ...([
    "name",
    "version",
    "summary",
    "keywords",
    "description",
    "description_content_type",
  ] as const),
  ...(["download_url", "home_page", "author", "author_email", "maintainer"] as const),
  ...(["maintainer_email", "license", "requires_python", "project_url", "platform"] as const),
  "license_expression",
] as const;

/** Columns of JSON text. */
export const LISTS = [
  ...(["project_urls", "requires_dist", "classifiers", "provides_extras", "dynamic"] as const),
  "license_file",
] as const;

const DESCRIBED = {
  name: "python-index-described",
  text: `select ${[...TEXTS, ...LISTS].join(", ")} from python_package where domain = $1 and id = $2`,
};

export async function described(
  { hot }: Pick<Ctx, "hot">,
  domain: number,
  id: string,
): Promise<Described | undefined> {
  const [row] = await hot.query<Described>(DESCRIBED, [domain, id]);
  return row;
}

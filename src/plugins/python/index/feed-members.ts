import type { Ctx } from "#sdk";
import { isMember, type Members, membersOf } from "./members.ts";

/** A release, or a project by its first one, as feeds tell it. */
export interface FeedEntry {
  readonly name: string;
  readonly name_normalized: string;
  readonly version: string;
  readonly summary: string;
  readonly author_email: string;
  /** When its first file came into the repository. */
  readonly at: string;
  readonly filenames: readonly string[];
}

/** Newest files that are looked at; a feed is about the newest things only. */
const LOOKED_AT = 5000;

/** The newest members by the index over the versions that added them. */
const NEWEST = `
  select m.content, m.at from membership m
  join content_type t on t.num = m.type and t.name = 'python.python'
  where m.repository = (select $2::int) and m.added <= (select $3::int)
    and m.removed > (select $3::int)
  order by m.added desc limit ${LOOKED_AT}`;

/** Of package `p` with its membership `m`, one row for each group. */
const ENTRY = `
  (array_agg(p.name order by m.at))[1] as name, p.name_normalized,
  (array_agg(p.version order by m.at))[1] as version,
  (array_agg(p.summary order by m.at))[1] as summary,
  (array_agg(p.author_email order by m.at))[1] as author_email,
  min(m.at) as at, array_agg(p.filename::text) as filenames`;

const RELEASES = {
  name: "python-index-newest-releases",
  text: `
with newest as materialized (
  select distinct p.name_normalized, p.version from (${NEWEST}) n
  join python_package p on p.domain = (select $1::int) and p.id = n.content)
select ${ENTRY}
from newest n
join python_package p on p.domain = (select $1::int) and p.name_normalized = n.name_normalized
  and p.version = n.version
join membership m on ${isMember("m", "p.id")}
group by p.name_normalized, p.version
order by min(m.at) desc, p.name_normalized, p.version limit (select $4::int)`,
};

const PROJECTS = {
  name: "python-index-newest-projects",
  text: `
with newest as materialized (
  select distinct p.name_normalized from (${NEWEST}) n
  join python_package p on p.domain = (select $1::int) and p.id = n.content)
select ${ENTRY}
from newest n
join python_package p on p.domain = (select $1::int) and p.name_normalized = n.name_normalized
join membership m on ${isMember("m", "p.id")}
group by p.name_normalized
order by min(m.at) desc, p.name_normalized limit (select $4::int)`,
};

const OF_PROJECT = {
  name: "python-index-project-releases",
  text: `
select ${ENTRY}
from python_package p join membership m on ${isMember("m", "p.id")}
where p.domain = (select $1::int) and p.name_normalized = (select $5::text)
group by p.name_normalized, p.version
order by min(m.at) desc, p.version limit (select $4::int)`,
};

type Hot = Pick<Ctx, "hot">;

export const newestReleases = ({ hot }: Hot, members: Members, most: number) =>
  hot.query<FeedEntry>(RELEASES, [...membersOf(members), most]);

export const newestProjects = ({ hot }: Hot, members: Members, most: number) =>
  hot.query<FeedEntry>(PROJECTS, [...membersOf(members), most]);

/** @param name normalised. */
export const projectReleases = ({ hot }: Hot, members: Members, most: number, name: string) =>
  hot.query<FeedEntry>(OF_PROJECT, [...membersOf(members), most, name]);

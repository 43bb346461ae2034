import { Batcher } from "#base/batcher.ts";
import type { Ctx } from "#sdk";
import type { IndexRules } from "./rules.ts";

/** The version that an index serves, by the numbers that membership uses. */
export interface ServedVersion {
  readonly id: string;
  /** `repository.num` */
  readonly repository: number;
  readonly number: number;
  /** Creation of the version or last change of the distribution, whichever is later. */
  readonly changed: string;
  /** Changes whenever anything of the repository does. */
  readonly touched: string;
  /** Packages in it. */
  readonly packages: number;
}

/** A Python index: a distribution, and what it serves at this moment (plugin-python §6.1). */
export interface IndexPlace {
  readonly basePath: string;
  readonly object: PlaceObject;
  readonly related: Readonly<Record<string, PlaceObject>>;
  readonly guard: { readonly id: string; readonly type: string } | null;
  /** A guard decides who sees it, or one of its parts. */
  readonly isGuarded: boolean;
  /** Changes whenever the distribution does. */
  readonly updated: string;
  readonly takesUploads: boolean;
  /** Where uploads go; null without a repository of its own, or of a member. */
  readonly repository: string | null;
  /** Serves an explicit publication, whose pages the content app has. */
  readonly isPublished: boolean;
  /** It, or one of its parts, has an upstream. */
  readonly hasRemote: boolean;
  /** Of itself; null of a group. */
  readonly remote: string | null;
  readonly version: ServedVersion | null;
  readonly rules: IndexRules;
  /** Of a group: upstreams add to projects that a member before them has. */
  readonly mergesUpstream: boolean;
  /** Of a group, its members in their order. */
  readonly members?: readonly IndexPlace[];
  /** Those of them that the caller may read. */
  readonly parts?: readonly IndexPlace[];
  /** Of a group, the member that is changed where the group is; absent where none can be. */
  readonly target?: IndexPlace;
}

interface PlaceObject {
  readonly model: string;
  readonly id: string;
  readonly domain: number;
}

interface PlaceQuery {
  /** `domain.num` */
  readonly domain: number;
  readonly basePaths: readonly string[];
}

interface PlaceRow {
  readonly i: number;
  readonly id: string;
  readonly domain: number;
  readonly base_path: string;
  readonly updated: string;
  readonly repository: string | null;
  readonly publication: string | null;
  readonly remote: string | null;
  readonly allow_uploads: boolean | null;
  /** Lists are null where they are empty, as nearly always. */
  readonly members: readonly string[] | null;
  readonly upload_member: string | null;
  readonly merge_upstream: boolean;
  readonly private_names: readonly string[] | null;
  readonly allowed: readonly string[] | null;
  readonly denied: readonly string[] | null;
  readonly guard: string | null;
  readonly guard_type: string | null;
  readonly version: string | null;
  readonly number: number;
  readonly changed: string;
  readonly repository_num: number;
  readonly touched: string;
  readonly packages: number;
}

/**
 * A publication decides before a repository, and that before a version; base paths of a domain never
 * overlap, so that one of a question's matches.
 */
const placesOf = (questions: string, matches: string): string => `
select q.i, x.id, x.domain, x.base_path, x.updated, x.repository, x.publication, x.remote,
  pd.allow_uploads, pd.upload_member, coalesce(pd.merge_upstream, false) as merge_upstream,
  nullif(pd.members, '[]') as members, nullif(pd.private_names, '[]') as private_names,
  nullif(pd.allowed_packages, '[]') as allowed, nullif(pd.denied_packages, '[]') as denied,
  x.guard, g.type as guard_type, v.id as version, v.number,
  greatest(v.created, x.updated) as changed, v.repository as repository_num,
  greatest(r.updated, v.updated) as touched,
  coalesce((v.counts -> 'present' ->> 'python.python')::int, 0) as packages
from ${questions}
join distribution x on ${matches} and x.type = 'python.python'
left join python_distribution pd on pd.id = x.id
left join content_guard g on g.id = x.guard
left join publication p on p.id = x.publication and p.complete
left join lateral (
  (select v.* from repository_version v where v.id = p.version)
  union all
  (select v.* from repository own join repository_version v on v.repository = own.num
    where own.id = x.repository and v.complete order by v.number desc limit 1)
  union all
  (select v.* from repository_version v where v.id = x.version and v.complete)
  limit 1) v on true
left join repository r on r.num = v.repository`;

/** $1 number of the question, $2 domain, $3 base path. */
const PLACES = {
  name: "python-index-places",
  text: placesOf(
    "unnest($1::int[], $2::int[], $3::text[]) as q (i, domain, base_path)",
    "x.domain = q.domain and x.base_path = q.base_path",
  ),
};

/** $1 number of the place, $2 domain, $3 member. */
const PARTS = {
  name: "python-index-parts",
  text: placesOf(
    "unnest($1::int[], $2::int[], $3::uuid[]) as q (i, domain, id)",
    "x.domain = q.domain and x.id = q.id",
  ),
};

/** Questions that one statement answers. */
const MOST = 256;

type Asker = Batcher<PlaceQuery, IndexPlace | undefined>;
const askers = new WeakMap<Ctx["hot"], Asker>();

/**
 * The index at one of the base paths. Every request asks, so that an upload is visible at once in
 * every process; those that come while a statement is under way share the next one.
 */
export function findIndex(ctx: Ctx, query: PlaceQuery): Promise<IndexPlace | undefined> {
  const asker = askers.get(ctx.hot) ?? new Batcher(asking(ctx), { most: MOST });
  askers.set(ctx.hot, asker);
  return asker.add(query);
}

const asking =
  ({ hot }: Ctx) =>
  async (queries: readonly PlaceQuery[]): Promise<readonly (IndexPlace | undefined)[]> => {
    const asked = distinct(queries);
    const pairs = asked.questions.flatMap(({ domain, basePaths }, i) =>
      basePaths.map((basePath) => ({ i, domain, basePath })),
    );
    const rows = await hot.query<PlaceRow>(PLACES, [
      pairs.map(({ i }) => i),
      pairs.map(({ domain }) => domain),
      pairs.map(({ basePath }) => basePath),
    ]);
    const parts = await partsOf({ hot }, rows);
    const places = new Map(rows.map((row) => [row.i, wholeOf(row, parts.get(row.id))]));
    return asked.numbers.map((number) => places.get(number));
  };

/** Members of the groups among the places, by the id of the group, in their order. */
async function partsOf(
  { hot }: Pick<Ctx, "hot">,
  rows: readonly PlaceRow[],
): Promise<ReadonlyMap<string, readonly IndexPlace[]>> {
  const groups = rows.flatMap(({ id, domain, members }) =>
    members === null ? [] : [{ id, domain, members }],
  );
  if (groups.length === 0) return new Map();
  const wanted = groups.flatMap(({ domain, members }) => members.map((id) => ({ domain, id })));
  const found = await hot.query<PlaceRow>(PARTS, [
    wanted.map((_, i) => i),
    wanted.map(({ domain }) => domain),
    wanted.map(({ id }) => id),
  ]);
  // A group that became a member all the same is left out, so that there are no circles.
  const plain = found.filter(({ members }) => members === null);
  const places = new Map(plain.map((row) => [row.id, placeOf(row)]));
  return new Map(
    groups.map(({ id, members }) => [id, members.flatMap((one) => places.get(one) ?? [])]),
  );
}

/** A group is changed where uploads go: in the member that is named, or the first that takes some. */
function wholeOf(row: PlaceRow, parts: readonly IndexPlace[] | undefined): IndexPlace {
  const place = placeOf(row);
  if (!parts) return place;
  const able = parts.filter(({ takesUploads, repository }) => takesUploads && repository !== null);
  const { upload_member: named } = row;
  const target = named === null ? able[0] : able.find(({ object }) => object.id === named);
  const hasRemote = parts.some((part) => part.hasRemote);
  const isGuarded = place.isGuarded || parts.some((part) => part.isGuarded);
  const { repository = null, related = {} } = target ?? {};
  const more = { members: parts, parts, hasRemote, isGuarded, repository, related };
  return { ...place, ...more, ...(target ? { target } : {}) };
}

/** Equal questions are asked once. */
function distinct(queries: readonly PlaceQuery[]) {
  const known = new Map<string, number>();
  const questions: PlaceQuery[] = [];
  const numbers = queries.map((query) => {
    const key = [query.domain, ...query.basePaths].join("\n");
    const number = known.get(key) ?? questions.push(query) - 1;
    known.set(key, number);
    return number;
  });
  return { questions, numbers };
}

function placeOf(row: PlaceRow): IndexPlace {
  const { domain, repository } = row;
  return {
    basePath: row.base_path,
    object: { model: "python.pythondistribution", id: row.id, domain },
    related: repository
      ? { repository: { model: "python.pythonrepository", id: repository, domain } }
      : {},
    guard: row.guard === null ? null : { id: row.guard, type: row.guard_type ?? "" },
    isGuarded: row.guard !== null,
    updated: row.updated,
    takesUploads: row.allow_uploads !== false,
    repository,
    isPublished: row.publication !== null,
    hasRemote: row.remote !== null,
    remote: row.remote,
    version: versionOf(row),
    rules: {
      privateNames: row.private_names ?? [],
      allowed: row.allowed ?? [],
      denied: row.denied ?? [],
    },
    mergesUpstream: row.merge_upstream,
  };
}

const versionOf = (row: PlaceRow): ServedVersion | null =>
  row.version === null
    ? null
    : {
        id: row.version,
        repository: row.repository_num,
        number: row.number,
        changed: row.changed,
        touched: row.touched,
        packages: row.packages,
      };

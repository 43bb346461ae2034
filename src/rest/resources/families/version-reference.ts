import { sql } from "kysely";
import type { HotStatement } from "#platform/db/hot.ts";
import { parseAddress } from "../../kit/address.ts";
import { modelKey } from "../../kit/api-index.ts";
import type { Run } from "../../kit/call.ts";
import { type Condition, type Filter, FilterProblem } from "../../kit/filters/filter.ts";

/** One version by the keys of its members. */
export interface VersionKey {
  readonly id: string;
  /** Units by type: `{"present": {"file.file": 3}, "added": …, "removed": …}`; zeros are left out. */
  readonly counts: Readonly<Partial<Record<Membership, Readonly<Record<string, number>>>>>;
  /** Units that its domain has. */
  readonly units: number;
  /** `repository.num` */
  readonly repository: number;
  readonly number: number;
}

const found = new WeakMap<Run, Map<string, Promise<VersionKey>>>();

/**
 * The version that a filter names: by its href or PRN, or the latest of a repository. One request
 * asks once, since its page and its count both want to know.
 *
 * @throws `FilterProblem` with the texts of core-rest §1.5.
 */
export function versionOf(value: string, run: Run): Promise<VersionKey> {
  const known = found.get(run) ?? new Map<string, Promise<VersionKey>>();
  found.set(run, known);
  const version = known.get(value) ?? findVersion(value, run);
  known.set(value, version);
  return version;
}

async function findVersion(value: string, run: Run): Promise<VersionKey> {
  if (value === "")
    throw new FilterProblem("No value supplied for repository version filter", { isBare: true });
  const address = parseAddress(value, run.view);
  if (!address) throw new FilterProblem(`URI not valid: ${value}`, { isBare: true });
  const isVersion = modelKey(address.resource) === "core.repositoryversion";
  if (!isVersion && address.resource.family !== "repository") {
    throw new FilterProblem(`URI ${value} is not a valid RepositoryVersion.`, { isBare: true });
  }
  const { num } = run.caller.domain;
  const { key, parent } = address;
  const [version] = !isVersion
    ? await run.ctx.hot.query(latestOfRepository, [num, key])
    : parent === undefined
      ? await run.ctx.hot.query(byId, [num, key])
      : await run.ctx.hot.query(byNumber, [num, parent, Number(key)]);
  if (!version)
    throw new FilterProblem(`URI ${value} not found for RepositoryVersion.`, { isBare: true });
  return version;
}

const versionStatement = (name: string, where: string): HotStatement<VersionKey> => ({
  name: `filter version ${name}`,
  text: `select v.id, v.counts, v.repository, v.number,
      (select coalesce(sum(n), 0)::bigint from content_count where domain = $1) as units
    from repository r join repository_version v on v.repository = r.num
    where r.domain = $1 and v.complete and ${where} order by v.number desc limit 1`,
});

const byId = versionStatement("by id", "v.id = $2");
const byNumber = versionStatement("by number", "r.id = $2 and v.number = $3");
const latestOfRepository = versionStatement("of repository", "r.id = $2");

type Membership = "present" | "added" | "removed";

const membershipRange = (version: VersionKey, how: Membership): Condition => {
  switch (how) {
    case "present":
      return sql`m.added <= ${version.number} and m.removed > ${version.number}`;
    case "added":
      return sql`m.added = ${version.number}`;
    default:
      return sql`m.removed = ${version.number}`;
  }
};

/**
 * Less than half of the domain. A prepared plan knows no sizes, so the condition says where to
 * begin: at the members of a small version, whose units may all be old, or at the newest units of
 * the domain. Neither way looks at more units than the version has.
 */
const isMinor = ({ counts, units }: VersionKey, how: Membership): boolean =>
  2 * Object.values(counts[how] ?? {}).reduce((sum, n) => sum + n, 0) < units;

/** Units of a version, as a condition on the unit's id. */
export const inVersion = (column: string, how: Membership): Filter => ({
  schema: { type: "string" },
  takesEmpty: true,
  condition: async (value, run) => {
    const version = await versionOf(value, run);
    const range = membershipRange(version, how);
    return isMinor(version, how)
      ? sql`${sql.raw(column)} = any(array(select m.content from membership m
          where m.repository = ${version.repository} and ${range}))`
      : sql`exists (select from membership m where m.repository = ${version.repository}
          and m.content = ${sql.raw(column)} and ${range})`;
  },
});

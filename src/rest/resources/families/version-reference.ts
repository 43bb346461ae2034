import { sql } from "kysely";
import { parseAddress } from "../../kit/address.ts";
import { modelKey } from "../../kit/api-index.ts";
import type { Run } from "../../kit/call.ts";
import { type Condition, type Filter, FilterProblem } from "../../kit/filters/filter.ts";

/** One version by the keys of its members. */
export interface VersionKey {
  readonly id: string;
  /** `repository.num` */
  readonly repository: number;
  readonly number: number;
}

/**
 * The version that a filter names: by its href or PRN, or the latest of a repository.
 *
 * @throws `FilterProblem` with the texts of core-rest §1.5.
 */
export async function versionOf(value: string, run: Run): Promise<VersionKey> {
  if (value === "")
    throw new FilterProblem("No value supplied for repository version filter", { isBare: true });
  const address = parseAddress(value, run.view);
  if (!address) throw new FilterProblem(`URI not valid: ${value}`, { isBare: true });
  const isVersion = modelKey(address.resource) === "core.repositoryversion";
  if (!isVersion && address.resource.family !== "repository") {
    throw new FilterProblem(`URI ${value} is not a valid RepositoryVersion.`, { isBare: true });
  }
  const where = isVersion
    ? address.parent === undefined
      ? sql`v.id = ${address.key}::uuid`
      : sql`r.id = ${address.parent}::uuid and v.number = ${Number(address.key)}`
    : sql`r.id = ${address.key}::uuid`;
  const { rows } = await sql<VersionKey>`
    select v.id, v.repository, v.number from repository r join repository_version v on v.repository = r.num
    where ${where} and v.complete and r.domain = ${run.caller.domain.num}
    order by v.number desc limit 1`.execute(run.ctx.db);
  const [version] = rows;
  if (!version)
    throw new FilterProblem(`URI ${value} not found for RepositoryVersion.`, { isBare: true });
  return version;
}

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

/** Units of a version, as a condition on the unit's id. */
export const inVersion = (column: string, how: Membership): Filter => ({
  schema: { type: "string" },
  takesEmpty: true,
  condition: async (value, run) => {
    const version = await versionOf(value, run);
    return sql`exists (select from membership m where m.repository = ${version.repository}
      and m.content = ${sql.raw(column)} and ${membershipRange(version, how)})`;
  },
});

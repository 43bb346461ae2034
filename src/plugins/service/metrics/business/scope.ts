import { sql } from "#sdk";
import type { Parameters } from "./parameters.ts";

/** What a report looks at. */
export interface Scope extends Parameters {
  /** `domain.num`; null is every domain. */
  readonly domain: number | null;
}

export type Sql = ReturnType<typeof sql<unknown>>;

const DAY_MS = 86_400_000;

const dayOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10);

/** Days of the time of a report, the last one exclusive; a day that is begun counts whole. */
export const daysOf = ({ fromMs, toMs }: Parameters) => ({
  first: dayOf(fromMs),
  end: dayOf(toMs + DAY_MS - 1),
});

export const from = ({ fromMs }: Parameters): Sql =>
  sql`${new Date(fromMs).toISOString()}::timestamptz`;
export const to = ({ toMs }: Parameters): Sql => sql`${new Date(toMs).toISOString()}::timestamptz`;

export const inDomain = ({ domain }: Scope, column: string): Sql =>
  domain === null ? sql`true` : sql`${sql.ref(column)} = ${domain}`;

/** Text of a pattern of SQL for one with `*` and `?`. */
const likeOf = (glob: string): string =>
  glob
    .replaceAll(/[\\%_]/g, "\\$&")
    .replaceAll("*", "%")
    .replaceAll("?", "_");

const atPlace = ({ distribution }: Scope, column: string): Sql => {
  if (distribution === null) return sql`true`;
  return /[*?]/.test(distribution)
    ? sql`${sql.ref(column)} like ${likeOf(distribution)}`
    : sql`${sql.ref(column)} = ${distribution}`;
};

/** Rows of downloads, alias `d`, from the first hour of the time on. */
export const downloadsIn = (scope: Scope): Sql => sql`service_package_download d
  where ${inDomain(scope, "d.domain")} and d.hour >= date_trunc('hour', ${from(scope)})
    and d.hour < ${to(scope)} and ${downloadFilter(scope)}`;

export const downloadFilter = (scope: Scope): Sql => {
  const { packageType } = scope;
  const type = packageType === null ? sql`true` : sql`d.package_type = ${packageType}`;
  return sql`${atPlace(scope, "d.base_path")} and ${type}`;
};

/** Rows of requests, alias `a`, of the days of the time. */
export const requestsIn = (scope: Scope): Sql => {
  const { first, end } = daysOf(scope);
  return sql`service_request_activity a where ${inDomain(scope, "a.domain")}
    and a.day >= ${first}::date and a.day < ${end}::date and ${requestFilter(scope)}`;
};

/** Requests do not tell a type: that of the distribution at their base path says it. */
export const requestFilter = (scope: Scope): Sql => {
  const { packageType } = scope;
  const type =
    packageType === null
      ? sql`true`
      : sql`(a.domain, a.base_path) in (select x.domain, x.base_path from distribution x
          where starts_with(x.type, ${`${packageType}.`}))`;
  return sql`${atPlace(scope, "a.base_path")} and ${type}`;
};

/** Who did something on a day: a user, or an organisation of which no user is known. */
export const who = (alias: "a" | "d"): Sql =>
  sql.raw(`coalesce(${alias}.username, 'org:' || ${alias}.org_id)`);

/** Who asked or downloaded something in the time of the report, each once or a few times. */
export const peopleIn = (scope: Scope): Sql => sql`(
  select ${who("a")} as who, a.user_kind as kind, a.org_id from ${requestsIn(scope)}
    and a.user_kind is not null group by 1, 2, 3
  union all select ${who("d")}, d.user_kind, d.org_id from ${downloadsIn(scope)}
    and d.user_kind is not null group by 1, 2, 3)`;

/**
 * Days on which somebody asked or downloaded something: `day` and `who`, each once or twice.
 *
 * @param before how many days before the time of the report too.
 */
export function seenIn(scope: Scope, before = 0): Sql {
  const { first, end } = daysOf({ ...scope, fromMs: scope.fromMs - before * DAY_MS });
  return sql`(
    select a.day, ${who("a")} as who from service_request_activity a
    where ${inDomain(scope, "a.domain")} and a.day >= ${first}::date and a.day < ${end}::date
      and ${requestFilter(scope)} and a.user_kind is not null group by 1, 2
    union all
    select d.hour::date, ${who("d")} from service_package_download d
    where ${inDomain(scope, "d.domain")} and d.hour >= ${first}::date and d.hour < ${end}::date
      and ${downloadFilter(scope)} and d.user_kind is not null group by 1, 2)`;
}

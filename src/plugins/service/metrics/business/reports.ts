import { sql } from "#sdk";
import {
  daysOf,
  downloadFilter,
  downloadsIn,
  from,
  inDomain,
  peopleIn,
  requestFilter,
  requestsIn,
  type Scope,
  type Sql,
  seenIn,
  to,
  who,
} from "./scope.ts";

/** A report: its keys in order, and the statement that gives its rows. */
export interface Report {
  readonly columns: readonly string[];
  /** One row, shown as an object and not as a list. */
  readonly isSingle?: true;
  rows(scope: Scope): Sql;
}

const wireTime = (column: string): Sql =>
  sql.raw(`to_char(${column}, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`);

/** Beginnings of the intervals of the time of a report, as `s (t)`. */
const times = (scope: Scope, interval: string = scope.interval): Sql =>
  sql`generate_series(date_trunc(${interval}, ${from(scope)}), ${to(scope)} - interval '1 microsecond',
    ${`1 ${interval}`}::interval) s (t)`;

/** What is known by day has no hours. */
const daily = ({ interval }: Scope): string => (interval === "hour" ? "day" : interval);

const downloads: Report = {
  columns: ["time", "downloads", "bytes"],
  rows: (scope) => sql`
    with counted as (select date_trunc(${sql.lit(scope.interval)}, d.hour) as t, sum(d.count) as downloads,
      sum(d.bytes) as bytes from ${downloadsIn(scope)} group by 1)
    select ${wireTime("s.t")} as time, coalesce(c.downloads, 0)::bigint as downloads,
      coalesce(c.bytes, 0)::bigint as bytes
    from ${times(scope)} left join counted c on c.t = s.t order by s.t`,
};

/**
 * Users of a day, and of the 7 and 30 days that end with it; of a longer interval, on its last day.
 * Whoever was seen on a day counts from then until he is seen again, or until the days are over: so
 * nobody counts twice, and one pass over the days is enough.
 */
const activeUsers: Report = {
  columns: ["time", "dau", "wau", "mau"],
  rows(scope) {
    const { first, end } = daysOf(scope);
    return sql`
      with seen as (select day, who from ${seenIn(scope, 29)} s group by 1, 2),
      stays as (select day, lead(day) over (partition by who order by day) as next from seen),
      changes as (
        select day, 1 as dau, 1 as wau, 1 as mau from stays
        union all select day + 1, -1, 0, 0 from stays
        union all select least(day + 7, next), 0, -1, 0 from stays
        union all select least(day + 30, next), 0, 0, -1 from stays),
      daily as (select day, sum(dau) as dau, sum(wau) as wau, sum(mau) as mau from changes group by day),
      running as (select day, sum(dau) over sofar as dau, sum(wau) over sofar as wau,
          sum(mau) over sofar as mau
        from (select day, dau, wau, mau from daily
          union all select s::date, 0, 0, 0 from generate_series(${first}::date,
            ${end}::date - 1, interval '1 day') s) every_day
        window sofar as (order by day)),
      last as (select distinct on (date_trunc(${sql.lit(daily(scope))}, day::timestamptz))
          date_trunc(${sql.lit(daily(scope))}, day::timestamptz) as t, dau, wau, mau
        from running where day >= ${first}::date and day < ${end}::date
        order by 1, day desc)
      select ${wireTime("t")} as time, dau::bigint, wau::bigint, mau::bigint from last order by t`;
  },
};

const userTypes: Report = {
  columns: ["user_type", "unique_users"],
  rows: (scope) => sql`
    select kind as user_type, count(*)::bigint as unique_users
    from (select who, kind from ${peopleIn(scope)} p group by 1, 2) u group by kind order by 2 desc, 1`,
};

const topUsers: Report = {
  columns: ["user", "requests"],
  rows: (scope) => sql`
    select ${who("a")} as "user", sum(a.count)::bigint as requests from ${requestsIn(scope)}
      and a.user_kind is not null
    group by 1 order by 2 desc, 1 limit ${scope.limit}`,
};

const topPackages: Report = {
  columns: ["package", "downloads", "bytes"],
  rows: (scope) => sql`
    select d.name as package, sum(d.count)::bigint as downloads, sum(d.bytes)::bigint as bytes
    from ${downloadsIn(scope)} group by d.package_type, d.name order by 2 desc, 1 limit ${scope.limit}`,
};

const organizations: Report = {
  columns: ["org_id", "requests", "downloads", "bytes"],
  rows: (scope) => sql`
    select org_id, sum(requests)::bigint as requests, sum(downloads)::bigint as downloads,
      sum(bytes)::bigint as bytes
    from (
      select a.org_id, sum(a.count) as requests, 0 as downloads, 0 as bytes
        from ${requestsIn(scope)} and a.org_id is not null group by 1
      union all select d.org_id, 0, sum(d.count), sum(d.bytes)
        from ${downloadsIn(scope)} and d.org_id is not null group by 1) o
    group by org_id order by 2 desc, 3 desc, 1 limit ${scope.limit}`,
};

/** First days of whoever was first seen in the time of the report, as `n (who, first)`. */
const firstSeen = (scope: Scope): Sql => {
  const { first, end } = daysOf(scope);
  return sql`(
    select who, min(first) as first from (
      select ${who("a")} as who, min(a.day) as first from service_request_activity a
        where ${inDomain(scope, "a.domain")} and a.day < ${end}::date and ${requestFilter(scope)}
          and a.user_kind is not null group by 1
      union all select ${who("d")}, min(d.hour)::date from service_package_download d
        where ${inDomain(scope, "d.domain")} and d.hour < ${end}::date and ${downloadFilter(scope)}
          and d.user_kind is not null group by 1) f
    group by who having min(first) >= ${first}::date) n`;
};

const newUsers: Report = {
  columns: ["time", "new_users"],
  rows: (scope) => sql`
    with counted as (select date_trunc(${sql.lit(daily(scope))}, n.first::timestamptz) as t, count(*) as users
      from ${firstSeen(scope)} group by 1)
    select ${wireTime("s.t")} as time, coalesce(c.users, 0)::bigint as new_users
    from ${times(scope, daily(scope))} left join counted c on c.t = s.t order by s.t`,
};

const clients: Report = {
  columns: ["client_family", "requests"],
  rows: (scope) => sql`
    select d.client_family, sum(d.count)::bigint as requests from ${downloadsIn(scope)}
    group by 1 order by 2 desc, 1 limit ${scope.limit}`,
};

const stored = (scope: Scope): Sql => sql`select coalesce(sum(e.size), 0)::bigint as bytes,
  count(*)::bigint as artifacts from artifact e where ${inDomain(scope, "e.domain")}`;

/** Of each interval its last sample; of today what is there now. */
const storage: Report = {
  columns: ["time", "bytes", "artifacts"],
  rows(scope) {
    const { first, end } = daysOf(scope);
    return sql`
      with days as (
        select e.day, sum(e.bytes)::bigint as bytes, sum(e.artifacts)::bigint as artifacts
          from service_storage_sample e where ${inDomain(scope, "e.domain")}
          and e.day < (clock_timestamp())::date group by 1
        union all select (clock_timestamp())::date, bytes, artifacts from (${stored(scope)}) n),
      last as (select distinct on (date_trunc(${sql.lit(daily(scope))}, day::timestamptz))
          date_trunc(${sql.lit(daily(scope))}, day::timestamptz) as t, bytes, artifacts
        from days where day >= ${first}::date and day < ${end}::date order by 1, day desc)
      select ${wireTime("t")} as time, bytes, artifacts from last order by t`;
  },
};

const countOf = (scope: Scope, table: "repository" | "distribution"): Sql =>
  sql`(select count(*) from ${sql.table(table)} e where ${inDomain(scope, "e.domain")})`;

const SUMMARY = [
  ...["downloads", "bytes", "unique_users", "unique_orgs", "packages", "cache_hit_ratio"],
  ...["new_users", "storage_bytes", "repositories", "distributions"],
];

const summary: Report = {
  columns: SUMMARY,
  isSingle: true,
  rows: (scope) => sql`
    with packages as (select sum(d.count) as downloads, sum(d.bytes) as bytes,
        sum(d.cache_hits) as hits from ${downloadsIn(scope)} group by d.package_type, d.name),
    counted as (select coalesce(sum(downloads), 0) as downloads, coalesce(sum(bytes), 0) as bytes,
        coalesce(sum(hits), 0) as hits, count(*) as packages from packages),
    people as materialized (select who, org_id from ${peopleIn(scope)} p group by 1, 2)
    select c.downloads::bigint, c.bytes::bigint, c.packages::bigint,
      (select count(distinct who) from people) as unique_users,
      (select count(distinct org_id) from people) as unique_orgs,
      (case when c.downloads = 0 then 0 else round(c.hits / c.downloads, 4) end)::float8
        as cache_hit_ratio,
      (select count(*) from ${firstSeen(scope)}) as new_users,
      (select bytes from (${stored(scope)}) n) as storage_bytes,
      ${countOf(scope, "repository")} as repositories,
      ${countOf(scope, "distribution")} as distributions
    from counted c`,
};

/** Reports by the last segment of their address (service §9.5). */
export const REPORTS = {
  summary,
  downloads,
  active_users: activeUsers,
  user_types: userTypes,
  top_users: topUsers,
  top_packages: topPackages,
  organizations,
  new_users: newUsers,
  clients,
  storage,
} as const satisfies Readonly<Record<string, Report>>;

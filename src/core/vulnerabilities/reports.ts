import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx } from "../ctx.ts";
import { inTransaction } from "../transaction.ts";
import type { Finding } from "./types.ts";

/**
 * Keeps what a scan of a version has found: a unit with advisories has one report, which changes with
 * them; one that has none any more keeps an empty report; one that never had any has none.
 *
 * @returns how many reports were made and changed.
 */
export const saveFindings = (
  ctx: Ctx,
  { domain, id: version }: { readonly domain: number; readonly id: string },
  findings: readonly Finding[],
): Promise<{ readonly created: number; readonly updated: number }> =>
  inTransaction(ctx, undefined, async (trx) => {
    const { rows } = await sql<{ created: number; updated: number }>`
      with found as materialized (
        select f.unit, f.vulns::jsonb as vulns, f.id, r.id as report, r.vulns as old
        from unnest(${findings.map(() => uuid7())}::uuid[],
          ${findings.map(({ unit }) => unit)}::uuid[],
          ${findings.map(({ vulns }) => vulns)}::text[]) f (id, unit, vulns)
        -- A unit or the version may have gone since the database was asked.
        join content c on c.domain = ${domain} and c.id = f.unit
        left join vulnerability_report r on r.domain = ${domain} and r.content = f.unit
        where exists (select from repository_version v
          where v.domain = ${domain} and v.id = ${version})
        order by f.unit),
      made as (
        insert into vulnerability_report (id, domain, content, vulns)
        select id, ${domain}::int, unit, vulns from found where report is null and vulns <> '[]'
        on conflict (domain, content) do nothing returning id),
      changed as (
        update vulnerability_report r set vulns = f.vulns, updated = clock_timestamp()
        from found f where r.domain = ${domain} and r.id = f.report and f.vulns <> f.old
        returning r.id),
      linked as (
        insert into vulnerability_report_version (domain, version, report)
        select ${domain}::int, ${version}::uuid, id from made
        union all
        select ${domain}::int, ${version}::uuid, report from found where report is not null
        on conflict do nothing)
      select (select count(*) from made)::int as created,
        (select count(*) from changed)::int as updated`.execute(trx);
    return rows[0] ?? { created: 0, updated: 0 };
  });

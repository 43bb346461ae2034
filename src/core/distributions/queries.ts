import { sql } from "kysely";
import { pathPrefixes } from "#base/paths.ts";
import type { DomainRef, Executor } from "../ctx.ts";
import type { OverlappingDistribution } from "./errors.ts";

/**
 * A distribution whose base path equals, contains or is contained in the path; the equal one first.
 * Two index probes: the proper prefixes, and the range of everything below (data-model §7).
 */
export async function overlappingDistribution(
  db: Executor,
  domain: DomainRef,
  wanted: { readonly basePath: string; readonly except?: string },
): Promise<OverlappingDistribution | undefined> {
  const { basePath, except = null } = wanted;
  const { rows } = await sql<OverlappingDistribution>`
    select id, name, base_path from distribution
    where domain = ${domain.num} and base_path = any(${pathPrefixes(basePath)}::text[])
      and id is distinct from ${except}
    union all
    select id, name, base_path from distribution
    where domain = ${domain.num} and base_path >= ${`${basePath}/`} and base_path < ${`${basePath}0`}
      and id is distinct from ${except}
    order by 3`.execute(db);
  return rows.find((row) => row.base_path === basePath) ?? rows[0];
}

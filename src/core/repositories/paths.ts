import { sql } from "kysely";
import type { Trx } from "../ctx.ts";
import type { ContentType, Draft } from "../plugin-contract.ts";
import { repositoryErrors } from "./errors.ts";
import { isOpen } from "./queries.ts";

interface Overlap {
  readonly path: string;
  readonly other: string;
}

/**
 * Refuses a version in which a file is a folder of another one (`a` and `a/b`). Only added units are
 * asked about: each folder above them by slot, everything below them by a range of the detail index.
 * Equal paths cannot be, since the path is the slot. Without `offset 0` a planner that has no
 * statistics yet compares every added path with every path: a minute for 10 000.
 *
 * @throws `repositoryErrors.overlappingPath`
 */
export async function checkPaths(trx: Trx, draft: Draft, type: ContentType): Promise<void> {
  const { num } = draft.repository;
  const table = sql.table(type.table);
  const { rows } = await sql<Overlap>`
    with added as materialized (
      select m.domain, f.relative_path::text as path
      from membership m join ${table} f on f.domain = m.domain and f.id = m.content
      where m.repository = ${num} and m.added = ${draft.n} and ${isOpen("m")}),
    folder as materialized (
      select array_to_string(parts[1:depth], '/') as path, min(a.path) as example
      from added a, string_to_array(a.path, '/') parts,
        generate_series(1, cardinality(parts) - 1) depth
      group by 1)
    (select folder.example as path, folder.path as other
      from folder cross join lateral (
        select from membership m where m.repository = ${num} and ${isOpen("m")}
          and m.slot = encode(substr(sha256(convert_to(folder.path, 'UTF8')), 1, 16), 'hex')::uuid
        offset 0) m)
    union
    (select f.relative_path::text, a.path
      from added a
      cross join lateral (
        select id, relative_path from ${table}
        where domain = a.domain and relative_path >= a.path || '/' and relative_path < a.path || '0'
        offset 0) f
      cross join lateral (
        select from membership m
        where m.repository = ${num} and m.content = f.id and ${isOpen("m")} offset 0) m)
    order by 1, 2 limit 20`.execute(trx);
  const [first] = rows;
  if (!first) return;
  const others = rows.filter(({ path }) => path === first.path).map(({ other }) => other);
  throw repositoryErrors.overlappingPath(first.path, others);
}

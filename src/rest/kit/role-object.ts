import { sql } from "kysely";
import type { RoleObject } from "#core/access/types.ts";
import { modelKey } from "./api-index.ts";
import type { Run } from "./call.ts";
import { planOf } from "./plan.ts";
import type { Relation, Resource } from "./resource.ts";

/** Objects of no domain carry their roles under this number. */
const NO_DOMAIN = 0;

/** Objects with numbers carry their roles under a UUID that ends with it. */
const numberId = (key: string): string => `00000000-0000-0000-0000-${key.padStart(12, "0")}`;

/** An object of a resource, as roles are given on it. */
export const roleObjectOf = (
  resource: Resource,
  { caller }: Run,
  key: string | number,
): RoleObject => ({
  model: modelKey(resource),
  id: resource.key === "int" ? numberId(String(key)) : String(key),
  domain: planOf(resource).domain === null ? NO_DOMAIN : caller.domain.num,
});

/** The same of the rows of a list, in SQL. */
export const roleObjectKey = (resource: Resource): string => {
  const { key } = planOf(resource);
  return resource.key === "int"
    ? `('00000000-0000-0000-0000-' || lpad(${key}::text, 12, '0'))::uuid`
    : key;
};

const FLAT = { artifact: "core.artifact", upload: "core.upload" } as const;

/** The object that a relation names by its id; of a version, its repository. */
export async function relatedObject(
  { ctx, caller }: Run,
  { to }: Relation,
  id: string,
): Promise<RoleObject | undefined> {
  const domain = caller.domain.num;
  if (to in FLAT) return { model: FLAT[to as keyof typeof FLAT], id, domain };
  const family = to === "repository_version" ? "repository" : (to as "repository");
  const query =
    to === "repository_version"
      ? sql<{ id: string; type: string }>`select r.id, r.type from repository_version v
          join repository r on r.num = v.repository where v.domain = ${domain} and v.id = ${id}`
      : sql<{ id: string; type: string }>`
          select id, type from ${sql.table(to)} where domain = ${domain} and id = ${id}`;
  const { rows } = await query.execute(ctx.db);
  const [found] = rows;
  if (!found) return undefined;
  const model = ctx.plugins.entity(family, found.type).model.toLowerCase();
  return { model, id: found.id, domain };
}

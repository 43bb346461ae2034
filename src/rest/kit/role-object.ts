import { sql } from "kysely";
import { roleModels } from "#core/access/queries.ts";
import type { RoleObject } from "#core/access/types.ts";
import type { Address } from "./address.ts";
import { fullPath, modelKey, resourcePrn } from "./api-index.ts";
import type { Run } from "./call.ts";
import { planOf } from "./plan.ts";
import type { Relation, Resource } from "./resource.ts";
import { href, type View } from "./view.ts";

/** Objects of no domain carry their roles under this number. */
const NO_DOMAIN = 0;

const NUMBER_ID = "00000000-0000-0000-0000-";

/** Objects with numbers carry their roles under a UUID that ends with it. */
const numberId = (key: string): string => `${NUMBER_ID}${key.padStart(12, "0")}`;

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
  return resource.key === "int" ? `('${NUMBER_ID}' || lpad(${key}::text, 12, '0'))::uuid` : key;
};

/** Key of an object that roles are given on, by its id there. */
const keyOfRoleObject = (resource: Resource, id: string): string =>
  resource.key === "int" ? String(Number(id.slice(NUMBER_ID.length))) : id;

/** Whether roles are given on objects of the resource. */
const isRoleCapable = ({ ctx }: Run, resource: Resource): boolean =>
  roleModels(ctx.plugins).includes(modelKey(resource));

/** The object at an address, of whatever domain; undefined if there is none or it carries no roles. */
export async function addressedObject(
  run: Run,
  { resource, key }: Address,
): Promise<RoleObject | undefined> {
  const isKey = resource.key !== "int" || /^\d{1,9}$/.test(key);
  if (!isKey || !isRoleCapable(run, resource)) return undefined;
  const { table, joins, where, key: column, domain } = planOf(resource);
  const { rows } = await sql<{ domain: number }>`
    select ${sql.raw(domain ?? String(NO_DOMAIN))} as domain from ${sql.raw(`${table} ${joins}`)}
    where ${sql.raw(where)} and ${sql.raw(column)} = ${key}`.execute(run.ctx.db);
  const [found] = rows;
  if (!found) return undefined;
  const { model, id } = roleObjectOf(resource, run, key);
  return { model, id, domain: found.domain };
}

/**
 * Address of an object that carries roles.
 *
 * @param domain its name; null of an object of no domain.
 * @returns undefined if nothing here serves its model.
 */
export function roleObjectAddress(
  view: View,
  { model, id, domain }: Pick<RoleObject, "model" | "id"> & { readonly domain: string | null },
): { readonly href: string; readonly prn: string } | undefined {
  const resource = view.api.byModel(model);
  if (!resource) return undefined;
  const key = keyOfRoleObject(resource, id);
  const path = `${fullPath(resource)}/${key}/`;
  return { href: href(view, path, domain ?? "default"), prn: resourcePrn(resource, key) };
}

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

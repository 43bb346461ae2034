import { type RawBuilder, sql } from "kysely";
import type { Rights } from "#core/access/types.ts";
import type { EntityModel } from "#core/plugin-contract.ts";
import { type PolicyBook, policyBook } from "#core/policies/book.ts";
import { permissionOf } from "#core/policies/crud.ts";
import type { RowRule } from "#core/policies/decider.ts";
import { modelKey } from "./api-index.ts";
import type { Call } from "./call.ts";
import type { Condition } from "./filters/filter.ts";
import { planOf } from "./plan.ts";
import type { Resource } from "./resource.ts";
import { roleObjectKey } from "./role-object.ts";
import { policyName } from "./viewset.ts";

const NO_DOMAIN = 0;

/** What somebody may see, by model. */
export class Sight {
  readonly #rights: Rights;
  readonly #domain: number;
  readonly #policies: PolicyBook;

  /** @param domain 0 for objects of no domain, which no right in a domain reaches. */
  constructor({ ctx, caller, rights }: Call, isGlobal: boolean) {
    this.#rights = rights;
    this.#domain = isGlobal ? NO_DOMAIN : caller.domain.num;
    this.#policies = policyBook(ctx);
  }

  /** Every object of the model, by rights at the level of model or domain. */
  isWhole(model: string): boolean {
    return this.holds(permissionOf(model, "view"));
  }

  /** A permission at the level of model or domain, so on every object. */
  holds(permission: string): boolean {
    if (this.#rights.onModel(permission)) return true;
    return this.#domain !== NO_DOMAIN && this.#rights.onDomain(permission);
  }

  /**
   * Objects of a model that carry a role of the user with a permission, without it that to view. Roles
   * and kinds come as arrays, so that the plan does not hang on estimates of their number.
   *
   * @param key SQL of the object's id
   */
  one(key: string, model: string, permission = permissionOf(model, "view")): Condition {
    return sql`${sql.raw(key)} in (select a.object from ${this.#grants(model, permission)})`;
  }

  /** How many objects that is, without a look at them: roles end with their object. */
  count(model: string): Condition {
    return sql`select count(distinct a.object) as n
      from ${this.#grants(model, permissionOf(model, "view"))}`;
  }

  #grants(model: string, permission: string): Condition {
    return sql`role_assignment a
      where a.subject = any(${this.#rights.subjects}::int[]) and a.object is not null
        and a.kind = (select num from object_kind where name = ${model}) and a.domain = ${this.#domain}
        and a.role = any(array(select role from role_permission where permission = ${permission}))`;
  }

  /**
   * Rows of a table over several types; undefined shows all. Types whose own list is for
   * administrators only show nothing here either.
   *
   * @param alias of the table, which has `id` and `type`.
   */
  ofTypes(alias: string, entities: readonly EntityModel[]): Condition | undefined {
    const open = entities.filter(({ path }) => this.#policies.hasPolicy(path));
    const whole = open.filter(({ model }) => this.isWhole(model.toLowerCase()));
    if (whole.length === entities.length) return undefined;
    const type = sql.raw(`${alias}.type`);
    const parts = open
      .filter((entity) => !whole.includes(entity))
      .map(
        (entity): RawBuilder<unknown> =>
          sql`(${type} = ${entity.type} and ${this.one(`${alias}.id`, entity.model.toLowerCase())})`,
      );
    const types = whole.map((entity) => entity.type);
    if (types.length > 0) parts.push(sql`${type} = any(${types}::text[])`);
    return parts.length > 0 ? sql`(${sql.join(parts, sql` or `)})` : sql`false`;
  }
}

/** Which rows of a resource somebody sees, where its own model does not say. */
export type Visibility = (sight: Sight, call: Call) => Condition | undefined;

/**
 * What keeps hidden objects out of lists and look-ups (core-rest §7.2); undefined where everything
 * shows.
 */
export async function scopeOf(resource: Resource, call: Call): Promise<Condition | undefined> {
  if (call.rights.isSuperuser) return undefined;
  const decided = decidedScope(resource, call);
  if (decided?.kind === "only") return decided.rows;
  const byPolicy = await scopeByPolicy(resource, call);
  return decided && byPolicy ? sql`(${byPolicy} or ${decided.rows})` : byPolicy;
}

async function scopeByPolicy(resource: Resource, call: Call): Promise<Condition | undefined> {
  if (!(await isScoped(resource, call))) return undefined;
  const sight = new Sight(call, planOf(resource).domain === null);
  if (resource.visibility) return resource.visibility(sight, call);
  const model = modelKey(resource);
  return sight.isWhole(model) ? undefined : sight.one(roleObjectKey(resource), model);
}

/** The rows as something else than policies says. */
function decidedScope(resource: Resource, { ctx, caller, rights }: Call): RowRule | undefined {
  const { subjects, groups } = rights;
  const viewset = policyName(resource);
  return policyBook(ctx).decider?.scope?.({ caller, subjects, groups, viewset });
}

/** The permission on an object that it shows by, so that nobody needs to ask for it again. */
export async function seenBy(resource: Resource, call: Call): Promise<string | undefined> {
  const isDecided = resource.visibility !== undefined || decidedScope(resource, call);
  const isByModel = !isDecided && (await isScoped(resource, call));
  return isByModel ? permissionOf(modelKey(resource), "view") : undefined;
}

async function isScoped(resource: Resource, { ctx }: Call): Promise<boolean> {
  const policy = await policyBook(ctx).policyOf(policyName(resource));
  return Boolean(policy?.queryset_scoping);
}

/** Statement that counts what somebody sees of a resource, where `scopeOf` goes by its own model. */
export const scopeCount = (resource: Resource, call: Call): Condition | undefined =>
  resource.visibility === undefined &&
  !resource.source.hidesObjects &&
  !decidedScope(resource, call)
    ? new Sight(call, planOf(resource).domain === null).count(modelKey(resource))
    : undefined;

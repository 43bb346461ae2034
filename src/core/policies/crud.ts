import type { CreationHook, Policy, Scoping, Statement } from "./types.ts";

/** Conditions that must hold by action; none is "any authenticated user". */
export type Rules = Readonly<Record<string, readonly string[]>>;

const model = (permission: string) => `has_model_perms:${permission}`;
const modelOrDomain = (permission: string) => `has_model_or_domain_perms:${permission}`;
const anyLevel = (permission: string) => `has_model_or_domain_or_obj_perms:${permission}`;
const modelOrObject = (permission: string) => `has_model_or_obj_perms:${permission}`;

/** Conditions by the levels at which a permission counts (core-rest §7.3: M, MD, MO, MDO). */
export const may = { model, modelOrDomain, modelOrObject, anyLevel } as const;

/** `file.filerepository`, `view` → `file.view_filerepository`. */
export const permissionOf = (modelName: string, verb: string): string =>
  verb.includes(".") ? verb : modelName.replace(".", `.${verb}_`);

/** Keeps objects on which somebody has the view permission. */
export const SCOPED: Scoping = { function: "scope_queryset" };

/** Verbs of an owner, and the roles that most models ship with. */
export const OWNER_VERBS = ["view", "change", "delete", "manage_roles"] as const;
export const STANDARD_ROLES = { creator: ["add"], owner: OWNER_VERBS, viewer: ["view"] } as const;

/** Actions on roles, which every role-capable resource has. */
const ROLE_ACTIONS = ["list_roles", "add_role", "remove_role"] as const;

/** The standard of core-rest §7.3. Objects of no domain have no rights at the level of domains. */
export function standardRules(modelName: string, { isGlobal = false } = {}): Rules {
  const add = (isGlobal ? model : modelOrDomain)(permissionOf(modelName, "add"));
  const level = isGlobal ? modelOrObject : anyLevel;
  const on = (verb: string) => [level(permissionOf(modelName, verb))];
  return {
    list: [],
    create: [add],
    retrieve: on("view"),
    my_permissions: on("view"),
    update: on("change"),
    partial_update: on("change"),
    set_label: on("change"),
    unset_label: on("change"),
    destroy: on("delete"),
    ...Object.fromEntries(ROLE_ACTIONS.map((action) => [action, on("manage_roles")])),
  };
}

export interface PolicyOptions {
  /** Added to the standard, or instead of it. */
  readonly rules?: Rules;
  /** Actions of the standard that the resource does not have. */
  readonly without?: readonly string[];
  /** Ends of the names of the roles that the maker gets; default `owner`. */
  readonly makerRoles?: readonly string[];
  readonly isGlobal?: boolean;
  readonly scoping?: Scoping | null;
}

/**
 * The policy of an ordinary resource: the standard, and what differs from it.
 *
 * @param modelName `file.fileremote`
 */
export function crudPolicy(
  viewset: string,
  modelName: string,
  options: PolicyOptions = {},
): Policy {
  const { without = [], makerRoles = ["owner"], scoping = SCOPED, isGlobal = false } = options;
  const rules = { ...standardRules(modelName, { isGlobal }), ...options.rules };
  const kept = Object.entries(rules).filter(([action]) => !without.includes(action));
  return {
    viewset,
    statements: statementsOf(Object.fromEntries(kept)),
    creation_hooks: creatorRoles(makerRoles.map((end) => `${modelName}_${end}`)),
    queryset_scoping: scoping,
  };
}

/** A policy of nothing but rules. */
export const plainPolicy = (
  viewset: string,
  rules: Rules,
  scoping: Scoping | null = null,
): Policy => ({
  viewset,
  statements: statementsOf(rules),
  creation_hooks: [],
  queryset_scoping: scoping,
});

/** The maker of an object holds these roles on it. */
export const creatorRoles = (roles: readonly string[]): readonly CreationHook[] =>
  roles.length === 0
    ? []
    : [{ function: "add_roles_for_object_creator", parameters: { roles: [...roles] } }];

/** Actions with the same conditions share a statement. */
function statementsOf(rules: Rules): readonly Statement[] {
  const groups = new Map<string, { action: string[]; condition: readonly string[] }>();
  for (const [action, condition] of Object.entries(rules)) {
    const key = condition.join("\n");
    const group = groups.get(key) ?? { action: [], condition };
    group.action.push(action);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ action, condition }) => ({
    action,
    principal: "authenticated",
    effect: "allow",
    ...(condition.length === 0 ? {} : { condition }),
  }));
}

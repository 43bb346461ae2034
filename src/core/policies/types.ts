import type { JsonObject } from "#base/json.ts";

/** One line of a policy, in the shape that clients read and write (core-rest §7.2). */
export interface Statement {
  /** Operation names, `*`, `<safe_methods>`, `<method:post>`. */
  readonly action: string | readonly string[];
  /** `*`, `authenticated`, `anonymous`, `admin`, `staff`, `id:<user id>`, `group:<name>`. */
  readonly principal: string | readonly string[];
  readonly effect: "allow" | "deny";
  /** `<function>[:<argument>]`; all must hold, in this order. */
  readonly condition?: string | readonly string[];
  /** The same with `and`, `or`, `not` and parentheses; all must hold. */
  readonly condition_expression?: string | readonly string[];
}

/** What happens when an object is made: `add_roles_for_object_creator`, … */
export interface CreationHook {
  readonly function: string;
  readonly parameters: JsonObject;
}

export interface Scoping {
  readonly function: string;
  readonly parameters?: JsonObject;
}

/** What decides over the requests of one address. */
export interface PolicyDocument {
  readonly statements: readonly Statement[];
  readonly creation_hooks: readonly CreationHook[];
  /** Null shows every object to whom the statements let in. */
  readonly queryset_scoping: Scoping | null;
}

/** A policy as it ships. */
export interface Policy extends PolicyDocument {
  /** Route without ids: `tasks`, `repositories/file/file/versions`. */
  readonly viewset: string;
}

/** What a component says about who may do what; its resources cannot be served without. */
export interface AccessRules {
  readonly policies: readonly Policy[];
  /** Addresses that are for administrators only: there is no policy to change. */
  readonly adminOnly: readonly string[];
}

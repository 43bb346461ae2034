import type { JsonObject } from "#base/json.ts";
import type { Rights } from "../access/types.ts";
import type { Caller, Ctx } from "../ctx.ts";
import type { Facts } from "./facts.ts";

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

/** A kind of object that permissions are about, and the roles that ship for it. */
export interface AccessModel {
  /** `core.task`: component and model, as in a PRN. */
  readonly model: string;
  /** Its objects are in no domain. */
  readonly isGlobal?: true;
  /** Nobody is given roles on its objects. */
  readonly isPlain?: true;
  /** Permissions of the model besides add, change, delete, view and manage_roles. */
  readonly extras?: readonly string[];
  /** End of the role's name after the model, or the whole name → verbs or whole permission names. */
  readonly roles?: Readonly<Record<string, readonly string[]>>;
}

/** A condition under another name: `index_has_perm[:<permission>]`. */
export interface NamedCondition {
  /** Name of the condition that it is. */
  readonly means: string;
  /** Asked for where the condition is written without a permission. */
  readonly permission: string;
}

/** What a condition of a component is asked with. */
export interface CheckQuestion {
  readonly ctx: Ctx;
  readonly caller: Caller;
  readonly rights: Rights;
  readonly facts: Facts;
}

/** A condition that only a component can decide; superusers are not asked. */
export type PolicyCheck = (question: CheckQuestion, argument: string) => Promise<boolean>;

/** What a component says about who may do what; its resources cannot be served without. */
export interface AccessRules {
  readonly policies: readonly Policy[];
  /** Every kind of object of the component, in any order. */
  readonly models: readonly AccessModel[];
  /** Addresses that are for administrators only: there is no policy to change. */
  readonly adminOnly: readonly string[];
  /** Its own names of conditions. */
  readonly conditions?: Readonly<Record<string, NamedCondition>>;
  /**
   * Roles that are kept to what they are made of, name → which of the permissions of every component.
   * They are not locked.
   */
  readonly gatheredRoles?: Readonly<Record<string, (permission: string) => boolean>>;
  /** Conditions of its own, by name. */
  readonly checks?: Readonly<Record<string, PolicyCheck>>;
}

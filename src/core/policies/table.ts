import type { Generated, Stamped } from "#platform/db/columns.ts";
import type { CreationHook, Scoping, Statement } from "./types.ts";

/** Policies that differ from those that ship, and the ids of all. */
export interface AccessPolicyTable {
  readonly id: string;
  readonly viewset_name: string;
  readonly statements: readonly Statement[];
  readonly creation_hooks: readonly CreationHook[];
  readonly queryset_scoping: Scoping | null;
  /** Somebody changed it: it stays as it is when another release ships another one. */
  readonly customized: Generated<boolean>;
  readonly created: Stamped;
  readonly updated: Stamped;
}

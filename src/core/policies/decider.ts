import type { RawBuilder } from "kysely";
import type { RoleObject } from "../access/types.ts";
import type { Caller, Ctx, Executor } from "../ctx.ts";
import type { Question } from "./question.ts";

/**
 * Another way to decide over requests than by policies alone, which `DEFAULT_PERMISSION_CLASSES`
 * chooses. It decides in the one place where policies do, so every address goes through it.
 */
export interface PermissionClass {
  /** Names in the setting. */
  readonly identifiers: readonly string[];
  /** False: objects show, and makers get roles, as if there were no policies. */
  readonly hasPolicies: boolean;
  /** Binds it to a process. */
  open(ctx: Ctx): Decider;
}

export interface Decider {
  /**
   * Content guards are asked by the decider, too: nobody asks them after it.
   *
   * @param byPolicy the answer of the policies; without policies everybody is allowed.
   */
  isPermitted(question: Question, byPolicy: () => Promise<boolean>): Promise<boolean>;
  /** Rows of a resource that others than administrators see; undefined leaves it to the policies. */
  scope?(asked: Scoped): RowRule | undefined;
  /** Inside the transaction that makes an object for a request. */
  made?(db: Executor, made: Made): Promise<void>;
}

/** Which rows show: no others than these, or these beside what the policies show. */
export interface RowRule {
  readonly kind: "only" | "also";
  /** Condition over `e`. */
  readonly rows: RawBuilder<unknown>;
}

export interface Scoped {
  readonly caller: Caller;
  /** User id and minus the ids of the groups. */
  readonly subjects: readonly number[];
  readonly groups: readonly string[];
  /** As in `Question`. */
  readonly viewset: string;
}

export interface Made {
  readonly caller: Caller;
  readonly viewset: string;
  readonly object: RoleObject;
}

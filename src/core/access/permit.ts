import type { Caller } from "../ctx.ts";

/** What somebody wants to do; every request asks this before anything happens. */
export interface Question {
  readonly caller: Caller;
  /** Policy's name: the route without ids, `repositories/file/file`. */
  readonly policy: string;
  /** `list`, `retrieve`, `create`, `update`, `partial_update`, `destroy`, or an action's name. */
  readonly action: string;
}

/** What the shipped policies allow nobody (core-rest §7.3). */
const NOBODY: ReadonlySet<string> = new Set(["artifacts destroy"]);

/**
 * The one place that decides permission; what it does not allow is denied. A policy that is not
 * written yet is "administrators only" (core-rest §7.2).
 */
export const isPermitted = ({ caller, policy, action }: Question): boolean =>
  caller.user?.isSuperuser === true && !NOBODY.has(`${policy} ${action}`);

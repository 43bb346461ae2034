import type { Rights } from "../access/types.ts";
import type { Caller } from "../ctx.ts";
import type { Facts } from "./facts.ts";

/** What somebody wants to do; every request asks this before anything happens. */
export interface Question {
  readonly caller: Caller;
  readonly rights: Rights;
  /** Policy's name: the route without ids, `repositories/file/file`. */
  readonly viewset: string;
  /** `list`, `retrieve`, `create`, `update`, `partial_update`, `destroy`, or an action's name. */
  readonly action: string;
  /** HTTP method in capitals. */
  readonly method: string;
  readonly facts: Facts;
  /** The kind of object that it is about belongs to no domain; absent where it is about none. */
  readonly isGlobal?: boolean;
  /** Key of the object in the URL, whether there is one or not. */
  readonly key?: string;
  /** Of a request to a site: what it leads to. */
  readonly visit?: {
    /** Asks the content guard for the reason of its refusal; absent where nothing is guarded. */
    refusal?(): Promise<string | undefined>;
  };
}

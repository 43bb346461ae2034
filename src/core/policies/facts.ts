import type { RoleObject } from "../access/types.ts";

/**
 * What a request is about, looked up when a condition asks for it. Bodies are checked by the first
 * look at them, so a bad one is refused only to whom the conditions before let pass.
 */
export interface Facts {
  /** The object that the URL names. @throws the answer to a missing or hidden one. */
  object(): Promise<RoleObject>;
  /** The parent of a nested resource. @throws as `object`. */
  parent(): Promise<RoleObject>;
  /** An object that a key of the addressed object refers to. */
  attribute(name: string): Promise<RoleObject | undefined>;
  /** An object that a key of the body refers to; of a version, its repository. */
  parameter(name: string): Promise<RoleObject | undefined>;
  /** Whether the body brings a value under a key. */
  isGiven(name: string): Promise<boolean>;
  /** What the body brings under a key. */
  value(name: string): Promise<unknown>;
}

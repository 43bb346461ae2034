import { fieldError } from "#base/errors.ts";

/** Names of domains that only administrators give: others get a copy of their store. */
const RESERVED = /^template-/i;
const NOT_YOURS = "Names that begin with 'template-' are for administrators.";

export const isReserved = (name: unknown): name is string =>
  typeof name === "string" && RESERVED.test(name);

/** @throws `ValidationError` (400) for the name of a template. */
export function refuseReserved(name: string): void {
  if (isReserved(name)) throw fieldError("name", NOT_YOURS);
}

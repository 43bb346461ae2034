/**
 * A project's name as indexes compare it: lower case, and one `-` for every run of `-`, `_`, `.`.
 *
 * Normalising what is normalised changes nothing. Names that are not valid are normalised too.
 *
 * @see PEP 503, "Normalized Names"
 */
export const normalizeName = (name: string): string => name.replace(/[-_.]+/g, "-").toLowerCase();

/**
 * Whether a text can name a project or an extra: ASCII letters, digits and `-`, `_`, `.`, of which
 * none begins or ends it.
 *
 * @see PEP 508, "Names"
 */
export const isValidName = (name: string): boolean =>
  /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(name);

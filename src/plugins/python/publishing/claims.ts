/** Claims of the known issuers that say who a job belongs to, the narrowest first. */
const IDENTITIES = [
  ...["repository_id", "repository", "project_id", "project_path", "pipeline_slug", "sub", "email"],
  ...["repository_owner_id", "repository_owner", "namespace_id", "namespace_path"],
  "organization_slug",
] as const;

const anchorOf = (name: string, value: unknown): string => `${name}=${value}`;

/**
 * One claim that says who, without wildcards, as it is looked up.
 *
 * @returns undefined where none does: then any job of the issuer could fit.
 */
export function anchorAmong(claims: Readonly<Record<string, string>>): string | undefined {
  const name = IDENTITIES.find((one) => {
    const value = Object.hasOwn(claims, one) ? claims[one] : undefined;
    return value !== undefined && value !== "" && !value.includes("*");
  });
  return name === undefined ? undefined : anchorOf(name, claims[name]);
}

/** Everything that a publisher of this identity may be found by. */
export const anchorsOf = (claims: Readonly<Record<string, unknown>>): readonly string[] =>
  IDENTITIES.flatMap((name) => {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
    const isPlain = typeof value === "string" || typeof value === "number";
    return isPlain ? [anchorOf(name, value)] : [];
  });

export const IDENTITY_NAMES: readonly string[] = IDENTITIES;

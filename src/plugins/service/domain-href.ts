import type { Call } from "#sdk";

/** Address of something in a domain that need not be that of the request. */
export const domainHref = (
  { root, domainEnabled }: Pick<Call["view"], "root" | "domainEnabled">,
  domain: string,
  path: string,
): string => `${root}${domainEnabled ? `${domain}/` : ""}api/v3/${path}`;

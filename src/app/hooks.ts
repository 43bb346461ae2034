import type { Ctx } from "#core/ctx.ts";
import type { AuthenticationClass } from "#rest/auth/authentication.ts";
import { coreAuthentication } from "#rest/auth/classes.ts";
import type { ApiOptions } from "#rest/kit/server.ts";
import type { Plugin } from "#sdk";

/** Ways to recognise who asks: those of the core, and what plugins bring. */
export const authenticationOf = (shipped: readonly Plugin[]): readonly AuthenticationClass[] => [
  ...coreAuthentication,
  ...shipped.flatMap(({ authentication = [] }) => authentication),
];

/** What plugins add to each request of the API. */
export function requestHooks(
  ctx: Ctx,
  shipped: readonly Plugin[],
): Pick<ApiOptions, "authentication" | "claims"> {
  const readers = shipped.flatMap(({ claims }) => (claims ? [claims(ctx)] : []));
  const authentication = authenticationOf(shipped);
  if (readers.length === 0) return { authentication };
  return {
    authentication,
    claims: ({ raw }) => {
      const found = readers.map((read) => read(raw)).filter((claims) => claims !== undefined);
      return found.length === 0 ? undefined : Object.assign({}, ...found);
    },
  };
}

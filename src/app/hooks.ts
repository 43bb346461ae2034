import type { IncomingMessage, ServerResponse } from "node:http";
import type { Caller, Ctx } from "#core/ctx.ts";
import type { AuthenticationClass } from "#rest/auth/authentication.ts";
import { coreAuthentication } from "#rest/auth/classes.ts";
import type { ApiOptions, RequestHooks } from "#rest/kit/server.ts";
import type { Meter, Plugin } from "#sdk";
import { appErrors } from "./errors.ts";

/** Ways to recognise who asks: those of the core, and what plugins bring. */
export const authenticationOf = (shipped: readonly Plugin[]): readonly AuthenticationClass[] => [
  ...coreAuthentication,
  ...shipped.flatMap(({ authentication = [] }) => authentication),
];

/** Pages for people that plugins bring. */
export const sitesOf = (shipped: readonly Plugin[]) =>
  shipped.flatMap(({ pages }) => (pages ? [pages] : []));

/** Hooks in the order of the setting, each once. @throws `appErrors.middleware` */
function chosenMiddleware(ctx: Ctx, shipped: readonly Plugin[]) {
  const brought = shipped.flatMap(({ middleware = [] }) => middleware);
  const modules = new Set(brought.map(({ identifier }) => identifier.split(".")[0]));
  return [...new Set(ctx.settings.MIDDLEWARE)].flatMap((name) => {
    const found = brought.find(({ identifier }) => identifier === name);
    if (found) return [(hooks: RequestHooks) => found.attach(ctx, hooks)];
    if (!modules.has(name.split(".")[0])) return [];
    throw appErrors.middleware(name, brought.map(({ identifier }) => identifier).join(", "));
  });
}

/** What plugins do around each request to the content app. */
export function downloadHooks(
  ctx: Ctx,
  shipped: readonly Plugin[],
): (request: IncomingMessage, response: ServerResponse) => void {
  const hooks = shipped.flatMap(({ onDownload }) => (onDownload ? [onDownload(ctx)] : []));
  return (request, response) => {
    for (const hook of hooks) hook(request, response);
  };
}

/** What plugins add to each request of the API. */
export function requestHooks(
  ctx: Ctx,
  shipped: readonly Plugin[],
  meters?: Meter,
): Pick<ApiOptions, "authentication" | "claims" | "middleware"> {
  const middleware = [...chosenMiddleware(ctx, shipped), ...(meters ? [countedBy(meters)] : [])];
  const authentication = authenticationOf(shipped);
  const claims = claimsReader(ctx, shipped);
  return { authentication, middleware, ...(claims ? { claims } : {}) };
}

const countedBy =
  (meters: Meter) =>
  ({ whenPermitted }: RequestHooks): void =>
    whenPermitted((call, place) => meters.asked(call, place));

/** What gateways say about the one who asks; undefined where no plugin reads it. */
export function claimsReader(
  ctx: Ctx,
  shipped: readonly Plugin[],
): ((request: { readonly raw: IncomingMessage }) => Caller["claims"]) | undefined {
  const readers = shipped.flatMap(({ claims }) => (claims ? [claims(ctx)] : []));
  if (readers.length === 0) return undefined;
  return ({ raw }) => {
    const found = readers.map((read) => read(raw)).filter((claims) => claims !== undefined);
    return found.length === 0 ? undefined : Object.assign({}, ...found);
  };
}

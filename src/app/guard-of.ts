import { clientAddress, proxyTrust } from "#base/client-address.ts";
import type { Ctx } from "#core/ctx.ts";
import type { DoorTools } from "#delivery/door.ts";
import { type Guards, refusal } from "#delivery/permit.ts";
import type { RefuseDownload } from "#rest/kit/server.ts";
import { isRead } from "#rest/kit/site-visit.ts";
import type { Plugin } from "#sdk";
import { guardHandlers } from "./guard-handlers.ts";

/** Asks content guards about requests to sites as the content app asks them about its own. */
export function guardOf(ctx: Ctx, shipped: readonly Plugin[]): RefuseDownload {
  const guards: Guards = new Map(guardHandlers(shipped).map((one) => [one.type, one]));
  // Guards are about downloads: others meet only what stands before them.
  const passing = passingGuards(shipped);
  const trust = proxyTrust(ctx.settings.TRUSTED_PROXIES);
  return async ({ caller, request, view }, { guard, basePath, below }) => {
    const { raw, headers, method } = request;
    const domain = view.domainEnabled ? `${caller.domain.name}/` : "";
    return refusal(ctx, isRead(method) ? guards : passing, {
      guard,
      request: (ask) => ({
        ask,
        domain: caller.domain,
        method,
        path: `${domain}${basePath}`,
        below,
        url: raw.url ?? "",
        headers,
        rawHeaders: raw.rawHeaders,
        address: clientAddress(raw, trust),
      }),
    });
  };
}

/** Every guard with nothing but what stands before it. */
const passingGuards = (shipped: readonly Plugin[]): Guards =>
  new Map(guardHandlers(shipped, { passes: true }).map((one) => [one.type, one]));

/** The same about requests to doors, whose own rules stand in for the guards. */
export function doorGuardOf(ctx: Ctx, shipped: readonly Plugin[]): DoorTools["refuses"] {
  if (shipped.every(({ beforeGuards = [] }) => beforeGuards.length === 0)) return undefined;
  const passing = passingGuards(shipped);
  const trust = proxyTrust(ctx.settings.TRUSTED_PROXIES);
  return async (request, { domain, guard, basePath, below, isRead: isPull }) => {
    const prefix = ctx.settings.DOMAIN_ENABLED ? `${domain.name}/` : "";
    const refused = await refusal(ctx, passing, {
      guard,
      request: (ask) => ({
        ask,
        domain,
        method: isPull ? "GET" : "PUT",
        path: `${prefix}${basePath}`,
        below,
        url: request.url ?? "",
        headers: request.headers,
        rawHeaders: request.rawHeaders,
        address: clientAddress(request, trust),
      }),
    });
    return refused !== undefined;
  };
}

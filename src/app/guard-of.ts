import { clientAddress, proxyTrust } from "#base/client-address.ts";
import type { Ctx } from "#core/ctx.ts";
import { coreGuardHandlers } from "#delivery/guards/core-guards.ts";
import { type Guards, refusal } from "#delivery/permit.ts";
import type { RefuseDownload } from "#rest/kit/server.ts";
import type { Plugin } from "#sdk";

/** Asks content guards about requests to sites as the content app asks them about its own. */
export function guardOf(ctx: Ctx, shipped: readonly Plugin[]): RefuseDownload {
  const handlers = [...coreGuardHandlers, ...shipped.flatMap(({ guards = [] }) => guards)];
  const guards: Guards = new Map(handlers.map((handler) => [handler.type, handler]));
  const trust = proxyTrust(ctx.settings.TRUSTED_PROXIES);
  return async ({ caller, request, view }, { guard, basePath }) => {
    const { raw, headers, method } = request;
    const domain = view.domainEnabled ? `${caller.domain.name}/` : "";
    return refusal(ctx, guards, {
      guard,
      request: () => ({
        domain: caller.domain,
        method,
        path: `${domain}${basePath}`,
        url: raw.url ?? "",
        headers,
        rawHeaders: raw.rawHeaders,
        address: clientAddress(raw, trust),
      }),
    });
  };
}

import { clientAddress, proxyTrust } from "#base/client-address.ts";
import type { Ctx } from "#core/ctx.ts";
import { type Guards, refusal } from "#delivery/permit.ts";
import type { RefuseDownload } from "#rest/kit/server.ts";
import { isRead } from "#rest/kit/site-visit.ts";
import type { Plugin } from "#sdk";
import { guardHandlers } from "./guard-handlers.ts";

/** Asks content guards about requests to sites as the content app asks them about its own. */
export function guardOf(ctx: Ctx, shipped: readonly Plugin[]): RefuseDownload {
  const guards: Guards = new Map(guardHandlers(shipped).map((one) => [one.type, one]));
  // Guards are about downloads: others meet only what stands before them.
  const passing: Guards = new Map(
    guardHandlers(shipped, { passes: true }).map((one) => [one.type, one]),
  );
  const trust = proxyTrust(ctx.settings.TRUSTED_PROXIES);
  return async ({ caller, request, view }, { guard, basePath, below }) => {
    const { raw, headers, method } = request;
    const domain = view.domainEnabled ? `${caller.domain.name}/` : "";
    return refusal(ctx, isRead(method) ? guards : passing, {
      guard,
      request: () => ({
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

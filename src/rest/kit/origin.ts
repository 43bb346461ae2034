import type { FastifyRequest } from "fastify";
import type { Ctx } from "#core/ctx.ts";
import { headerOfVariable, proxyList } from "../auth/proxies.ts";
import { isAllowedHost } from "./host.ts";

/**
 * Scheme and host by which clients know this server, for links that must be absolute. What proxies
 * of `TRUSTED_PROXIES` say the framework reads; `USE_X_FORWARDED_HOST` and `SECURE_PROXY_SSL_HEADER`
 * believe every proxy where that list is empty.
 */
export function originReader(settings: Ctx["settings"]): (request: FastifyRequest) => string {
  const isProxy = proxyList(settings);
  const { USE_X_FORWARDED_HOST, SECURE_PROXY_SSL_HEADER, ALLOWED_HOSTS } = settings;
  const [variable = "", secure = ""] = SECURE_PROXY_SSL_HEADER ?? [];
  const schemeHeader = headerOfVariable(variable);
  return (request) => {
    const { raw, headers } = request;
    const isBelieved = isProxy?.(raw.socket.remoteAddress) ?? true;
    const given =
      isBelieved && USE_X_FORWARDED_HOST ? last(headers["x-forwarded-host"]) : undefined;
    const host = given !== undefined && isAllowedHost(given, ALLOWED_HOSTS) ? given : request.host;
    const scheme = isBelieved && schemeHeader ? last(headers[schemeHeader]) : undefined;
    return `${scheme === secure && scheme !== undefined ? "https" : request.protocol}://${host}`;
  };
}

/** The proxy that is nearest to us stands last in a list. */
const last = (value: string | readonly string[] | undefined): string | undefined =>
  value?.toString().split(",").at(-1)?.trim() || undefined;

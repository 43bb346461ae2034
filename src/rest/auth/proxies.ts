import { proxyTrust } from "#base/client-address.ts";
import { rawHeaderValues } from "#base/raw-headers.ts";
import type { Ctx } from "#core/ctx.ts";
import type { Asking } from "./authentication.ts";
import { authErrors } from "./errors.ts";

type Settings = Pick<Ctx["settings"], "TRUSTED_PROXIES">;

/**
 * Whether an address is that of a proxy of ours; undefined if the setting names none. A peer whose
 * address is not known (it has gone, or comes by a unix socket) is none.
 */
export function proxyList({
  TRUSTED_PROXIES: proxies,
}: Settings): ((address: string | undefined) => boolean) | undefined {
  if (proxies.length === 0) return undefined;
  const isProxy = proxyTrust(proxies);
  return (address) => address !== undefined && isProxy(address, 0);
}

/** `HTTP_X_RH_IDENTITY`, as CGI writes it, is the header `x-rh-identity`; else undefined. */
export const headerOfVariable = (variable: string): string | undefined =>
  variable.startsWith("HTTP_")
    ? variable.slice("HTTP_".length).toLowerCase().replaceAll("_", "-")
    : undefined;

/** Reads a header that a proxy has set; `TRUSTED_PROXIES` says which ones are believed, if any. */
export function proxyHeader(
  settings: Settings,
  name: string,
): (request: Pick<Asking, "raw">) => string | undefined {
  const isProxy = proxyList(settings);
  return ({ raw }) => {
    const [value, ...more] = rawHeaderValues(raw.rawHeaders, name);
    if (value === undefined || (isProxy && !isProxy(raw.socket.remoteAddress))) return undefined;
    // Nobody knows which of two the proxy has set.
    if (more.length > 0) throw authErrors.denied();
    return value;
  };
}

/** Bytes as UTF-8; undefined if they are none. */
export function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

import type { IncomingMessage } from "node:http";
import { clientAddress, type ProxyTrust } from "#base/client-address.ts";
import type { Asking } from "./authentication.ts";

/** A request that no framework has looked at, as the classes of authentication read requests. */
export function bareRequest(raw: IncomingMessage, trust: ProxyTrust): Asking {
  const { headers, method = "", url = "" } = raw;
  return {
    ...{ raw, headers, method, originalUrl: url },
    get ip() {
      return clientAddress(raw, trust);
    },
    get host() {
      return hostOf(raw, trust);
    },
    get protocol() {
      return protocolOf(raw, trust);
    },
  };
}

/** How the client wrote us: the host with its port. */
export const hostOf = (raw: IncomingMessage, trust: ProxyTrust): string =>
  forwarded(raw, trust, "x-forwarded-host") ?? raw.headers.host ?? "";

/** `https` or `http`, as the client sees it. */
export function protocolOf(raw: IncomingMessage, trust: ProxyTrust): string {
  const isEncrypted = "encrypted" in raw.socket && raw.socket.encrypted === true;
  return forwarded(raw, trust, "x-forwarded-proto") ?? (isEncrypted ? "https" : "http");
}

/** What the proxy before us says, the last of several, if that one is trusted. */
function forwarded(raw: IncomingMessage, trust: ProxyTrust, name: string): string | undefined {
  const value = raw.headers[name];
  const peer = raw.socket.remoteAddress;
  if (typeof value !== "string" || peer === undefined || !trust(peer, 0)) return undefined;
  return value.split(",").at(-1)?.trim();
}

import type { IncomingMessage } from "node:http";
import proxyAddr from "@fastify/proxy-addr";

/** Whether the address of a hop is believed when it says whom it forwards for. */
export type ProxyTrust = (address: string, hop: number) => boolean;

/**
 * The one rule of both servers for `TRUSTED_PROXIES`.
 *
 * @param proxies addresses, networks as `10.1.0.0/16`, or `loopback`, `linklocal`, `uniquelocal`.
 * @throws TypeError for anything else.
 */
export const proxyTrust = (proxies: readonly string[]): ProxyTrust =>
  proxies.length > 0 ? proxyAddr.compile([...proxies]) : () => false;

/** What is wrong with a list of proxies, or nothing. */
export function proxiesProblem(proxies: readonly string[]): string | undefined {
  try {
    proxyTrust(proxies);
    return undefined;
  } catch (error) {
    return `TRUSTED_PROXIES: ${(error as Error).message}.`;
  }
}

/**
 * The first address from the socket along `X-Forwarded-For`, right to left, that is no trusted proxy;
 * empty for a socket without one.
 */
export const clientAddress = (
  request: Pick<IncomingMessage, "headers" | "socket">,
  trust: ProxyTrust,
): string => {
  const isTrusted: ProxyTrust = (address, hop) => address !== undefined && trust(address, hop);
  return proxyAddr(request as IncomingMessage, isTrusted) ?? "";
};

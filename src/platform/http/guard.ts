import { type LookupAddress, lookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { shownUrl } from "#base/shown-url.ts";
import type { AddressPolicy } from "./address-policy.ts";
import { httpErrors } from "./errors.ts";

/**
 * Ports of services that read an HTTP request as commands (mail, shells, file servers): a part of
 * the "bad ports" of the Fetch standard.
 */
const REFUSED_PORTS = new Set(
  [
    7, 9, 13, 19, 20, 21, 22, 23, 25, 53, 69, 110, 111, 119, 135, 137, 139, 143, 161, 179, 389,
  ].concat([465, 512, 513, 514, 515, 587, 636, 993, 995, 2049, 3659, 6000]),
);

/**
 * What may be asked for at all, decided before a connection is made.
 *
 * @throws `httpErrors.scheme` unless http or https to a usual port; `httpErrors.denied` for an
 *   address in a denied network. Names are judged by `guardedLookup`.
 */
export function checkUrl(url: URL, policy: AddressPolicy): void {
  const known = url.protocol === "http:" || url.protocol === "https:";
  if (!known || REFUSED_PORTS.has(Number(url.port))) throw httpErrors.scheme(shownUrl(url.href));
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0 && policy.denies(host)) throw httpErrors.denied(shownUrl(url.href));
}

/**
 * Resolves a name once and hands over exactly the addresses that were checked, so that a second
 * answer of a changing name server is never used. One denied address refuses the name.
 */
export const guardedLookup =
  (policy: AddressPolicy): LookupFunction =>
  (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, "", 0);
      if (addresses.some(({ address }) => policy.denies(address)))
        return callback(httpErrors.denied(hostname), "", 0);
      if (options.all) return callback(null, addresses);
      const first: LookupAddress | undefined = addresses[0];
      return callback(null, first?.address ?? "", first?.family ?? 0);
    });
  };

import { createHash, type X509Certificate } from "node:crypto";
import type { Ctx, GuardHandler, GuardRequest } from "#sdk";
import { authorityStore } from "./authorities.ts";
import { verifyChain } from "./chain.ts";
import { headerCertificate } from "./format/client-header.ts";
import { Recent } from "./recent.ts";

type GuardRef = Parameters<GuardHandler["refusal"]>[1];

/** The refusals of core-rest §8.9, and ours where it has none. */
const REASONS = {
  denied: "Access denied.",
  missing: "A client certificate was not received via the `X-CLIENT-CERT` header.",
  several: "More than one client certificate was received via the `X-CLIENT-CERT` header.",
  malformed: "The `X-CLIENT-CERT` header does not hold an X.509 certificate.",
  unsigned: "Client certificate is not signed by the stored 'ca_certificate'.",
  expired: "Client certificate is expired.",
  early: "Client certificate is not valid yet.",
} as const;

/** A certificate that a guard accepts, until then in milliseconds since 1970. */
export interface Client {
  readonly certificate: X509Certificate;
  readonly untilMs: number;
}

/** Accepted certificates of a process. What is refused costs its verification every time. */
const MAX_CLIENTS = 2000;
const clients = new WeakMap<Ctx["hot"], Recent<Client>>();

function clientsOf({ hot }: Ctx): Recent<Client> {
  const known = clients.get(hot) ?? new Recent<Client>(MAX_CLIENTS);
  clients.set(hot, known);
  return known;
}

/**
 * The client's certificate, if it chains to the certificates of the guard at this moment.
 *
 * @returns the reason of a refusal otherwise.
 */
export async function acceptedClient(
  ctx: Ctx,
  guard: GuardRef,
  { domain, rawHeaders }: GuardRequest,
): Promise<Client | string> {
  const [header, ...more] = valuesOf(rawHeaders);
  if (!header) return REASONS.missing;
  // The second one may be the client's own, behind the back of the proxy.
  if (more.length > 0) return REASONS.several;
  const store = await authorityStore(ctx, { domain: domain.num, id: guard.id });
  if (store === undefined) return REASONS.denied;
  const known = clientsOf(ctx);
  const key = `${guard.id} ${store.epoch} ${createHash("sha256").update(header).digest("base64")}`;
  const nowMs = ctx.clock.now();
  const before = known.get(key);
  if (before && nowMs <= before.untilMs) return before;
  const certificate = headerCertificate(header);
  if (certificate === undefined) return REASONS.malformed;
  const verdict = verifyChain(certificate, store.authorities, nowMs);
  if (verdict.kind !== "valid") return REASONS[verdict.kind];
  const client = { certificate, untilMs: verdict.untilMs };
  known.set(key, client);
  return client;
}

function valuesOf(rawHeaders: readonly string[]): readonly string[] {
  const values: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() === "x-client-cert") values.push(rawHeaders[at + 1] ?? "");
  }
  return values;
}

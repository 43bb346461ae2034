import type { X509Certificate } from "node:crypto";
import { extensionsOf, pathLength } from "./format/extensions.ts";

/** Certificates between the client's and the last one. */
const MAX_DEPTH = 10;

/** A certificate that a guard trusts, with those of the same guard that have issued it. */
export interface Authority {
  readonly certificate: X509Certificate;
  readonly canIssue: boolean;
  /** How many others may stand between it and the client's certificate. */
  readonly pathLength: number;
  /** None of one that is self-signed or whose issuer the guard does not hold: there chains end. */
  readonly issuers: readonly Authority[];
}

/** What the chain of a client's certificate came to. */
export type Verdict =
  /** Holds until then, in milliseconds since 1970. */
  | { readonly kind: "valid"; readonly untilMs: number }
  | { readonly kind: "unsigned" | "expired" | "early" };

/** Finds out once which of the certificates of a guard has issued which. */
export function authoritiesOf(certificates: readonly X509Certificate[]): readonly Authority[] {
  const found = certificates.map((certificate) => {
    const isSelfSigned = hasIssued(certificate, certificate);
    const issuers: Authority[] = [];
    return { certificate, isSelfSigned, ...issuing(certificate, isSelfSigned), issuers };
  });
  for (const { certificate, isSelfSigned, issuers } of found) {
    if (isSelfSigned) continue;
    issuers.push(...found.filter((other) => hasIssued(other.certificate, certificate)));
  }
  return found;
}

function issuing(
  certificate: X509Certificate,
  isSelfSigned: boolean,
): Pick<Authority, "canIssue" | "pathLength"> {
  const extensions = extensionsOf(certificate);
  if (extensions === undefined) return { canIssue: false, pathLength: 0 };
  const constraints = extensions.get(BASIC_CONSTRAINTS);
  const length = constraints && pathLength(constraints.value);
  // Roots of before RFC 2459 have no extensions that could say it.
  const isAuthority = certificate.ca || (isSelfSigned && extensions.size === 0);
  const isUnderstood = isKnown(extensions) && !extensions.has(NAME_CONSTRAINTS);
  return { canIssue: isAuthority && isUnderstood, pathLength: length ?? Number.POSITIVE_INFINITY };
}

/**
 * Follows a client's certificate up to where its chain ends: signatures, names and key usage of the
 * issuers, basic constraints, and the validity of all (RFC 5280 §6). The client's certificate may be
 * one of the guard's itself. Name constraints are not judged, so an authority with them issues
 * nothing, and neither does one with a critical extension that is unknown here.
 */
export function verifyChain(
  client: X509Certificate,
  authorities: readonly Authority[],
  nowMs: number,
): Verdict {
  const extensions = extensionsOf(client);
  if (extensions === undefined || !isKnown(extensions)) return { kind: "unsigned" };
  const untilMs = chainEnd(client, authorities, (certificate) => isValidAt(certificate, nowMs));
  if (untilMs !== undefined) return { kind: "valid", untilMs };
  const endMs = chainEnd(client, authorities, () => true);
  if (endMs === undefined) return { kind: "unsigned" };
  return { kind: nowMs > endMs ? "expired" : "early" };
}

interface Step {
  readonly authority: Authority;
  readonly depth: number;
  readonly untilMs: number;
}

/** When the first chain of accepted certificates ends to be valid; undefined without a chain. */
function chainEnd(
  client: X509Certificate,
  authorities: readonly Authority[],
  accepts: (certificate: X509Certificate) => boolean,
): number | undefined {
  if (!accepts(client)) return undefined;
  const clientEnd = client.validToDate.getTime();
  if (authorities.some(({ certificate }) => certificate.raw.equals(client.raw))) return clientEnd;
  const seen = new Set<Authority>();
  const waiting: Step[] = [];
  const add = (found: readonly Authority[], below: Pick<Step, "depth" | "untilMs">): void => {
    for (const authority of found) {
      const { certificate, canIssue } = authority;
      if (seen.has(authority) || !canIssue || below.depth > authority.pathLength) continue;
      if (!accepts(certificate)) continue;
      seen.add(authority);
      const untilMs = Math.min(below.untilMs, certificate.validToDate.getTime());
      waiting.push({ authority, depth: below.depth + 1, untilMs });
    }
  };
  const issuers = authorities.filter(({ certificate }) => hasIssued(certificate, client));
  add(issuers, { depth: 0, untilMs: clientEnd });
  for (const step of waiting) {
    if (step.authority.issuers.length === 0) return step.untilMs;
    if (step.depth < MAX_DEPTH) add(step.authority.issuers, step);
  }
  return undefined;
}

/** By names, key identifiers, key usage and signature; an algorithm that is unknown here says no. */
function hasIssued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

const isValidAt = ({ validFromDate, validToDate }: X509Certificate, nowMs: number): boolean =>
  validFromDate.getTime() <= nowMs && nowMs <= validToDate.getTime();

const BASIC_CONSTRAINTS = "2.5.29.19";
const NAME_CONSTRAINTS = "2.5.29.30";

/** Key identifiers, usages, names, constraints and policies, of which RFC 5280 §4.2.1 tells. */
const STANDARD = /^2\.5\.29\.(?:14|15|17|18|19|30|31|32|33|35|36|37|54)$/;

const isKnown = (extensions: ReturnType<typeof extensionsOf> & object): boolean =>
  [...extensions.values()].every(({ oid, isCritical }) => !isCritical || STANDARD.test(oid));

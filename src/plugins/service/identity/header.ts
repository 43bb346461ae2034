import type { IncomingMessage } from "node:http";
import type { JsonObject } from "#base/json.ts";
import { type Ctx, gateway } from "#sdk";
import { serviceErrors } from "../errors.ts";
import { type Decoded, decodeIdentity, knownText } from "./decode.ts";

/** Where gateways say who asks. */
export const HEADER = "x-rh-identity";

/** Of one request; undefined where it has no header of a gateway. */
type FindIdentity = (raw: IncomingMessage) => Decoded | undefined;

/** Headers of requests that are being answered, read once. */
const known = new WeakMap<IncomingMessage, { readonly decoded: Decoded | undefined }>();

/** Reads the header of the gateways that `TRUSTED_PROXIES` names, if it names any. */
export function identityFinder({ settings }: Pick<Ctx, "settings">): FindIdentity {
  const valueIn = gateway.header(settings, HEADER);
  return (raw) => {
    const before = known.get(raw);
    if (before) return before.decoded;
    const decoded = read(() => valueIn({ raw }));
    if (decoded === undefined) drop(raw);
    known.set(raw, { decoded });
    return decoded;
  };
}

/** What no gateway has sent is not there, for content guards and for lines of the log either. */
function drop({ headers, rawHeaders }: IncomingMessage): void {
  delete headers[HEADER];
  for (let at = rawHeaders.length - 2; at >= 0; at -= 2) {
    if (rawHeaders[at]?.toLowerCase() === HEADER) rawHeaders.splice(at, 2);
  }
}

function read(value: () => string | undefined): Decoded | undefined {
  try {
    const text = value();
    return text === undefined ? undefined : decodeIdentity(text);
  } catch {
    // There are two of them, and nobody knows which one the gateway has set.
    return { kind: "denied" };
  }
}

/** @throws the 401 of a header that cannot be read; undefined without one. */
export function documentOf(decoded: Decoded | undefined): JsonObject | undefined {
  if (decoded === undefined) return undefined;
  if (decoded.kind === "document") return decoded.document;
  throw decoded.kind === "denied" ? serviceErrors.denied() : serviceErrors.invalid();
}

/** Undefined also where the header cannot be read. */
export const readableDocument = (decoded: Decoded | undefined): JsonObject | undefined =>
  decoded?.kind === "document" ? decoded.document : undefined;

/**
 * The organisation for authorisation (service §2.3).
 *
 * @param hasFallback `ORG_ID_FALLBACK`
 */
export function organisationOf(document: JsonObject, hasFallback: boolean): string | undefined {
  const inner = knownText(document, "internal.org_id")?.trim();
  const found = inner || (hasFallback ? knownText(document, "org_id")?.trim() : undefined);
  return found || undefined;
}

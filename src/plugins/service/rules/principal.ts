import { rawHeaderValues } from "#base/raw-headers.ts";
import { decodeIdentity, knownText } from "../identity/decode.ts";
import { HEADER } from "../identity/header.ts";
import { canonicalDn } from "../identity/subject-dn.ts";
import type { Principal } from "./types.ts";

/** Who comes with a request; nobody where the header is missing, cannot be read or comes twice. */
export function principalIn(rawHeaders: readonly string[]): Principal {
  const [sent, ...more] = rawHeaderValues(rawHeaders, HEADER);
  const decoded = sent === undefined || more.length > 0 ? undefined : decodeIdentity(sent);
  if (decoded?.kind !== "document") return {};
  const { document } = decoded;
  return principalOf({
    subject: knownText(document, "x509.subject_dn"),
    organisation: knownText(document, "org_id"),
    inner: knownText(document, "internal.org_id")?.trim(),
  });
}

interface Said {
  readonly subject?: string | undefined;
  readonly organisation?: string | undefined;
  readonly inner?: string | undefined;
}

/** Whom words are about; empty ones are none. */
export function principalOf({ subject, organisation, inner }: Said): Principal {
  const canonical = subject === undefined ? undefined : canonicalDn(subject);
  return {
    ...(canonical === undefined ? {} : { subject: canonical }),
    ...(organisation ? { organisation } : {}),
    ...(inner ? { inner } : {}),
  };
}

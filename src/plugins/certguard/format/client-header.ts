import type { X509Certificate } from "node:crypto";
import { base64Certificate, pemCertificates } from "./pem.ts";

/**
 * The client's certificate as a proxy puts it into a header: PEM, percent-encoded or with other
 * white space in place of its line breaks, or Base64 of the DER. Of several the first is the
 * client's.
 *
 * @returns undefined if the value is none of these.
 * @see core-content §6
 */
export function headerCertificate(value: string): X509Certificate | undefined {
  const text = value.includes("%") ? decoded(value) : value;
  if (text === undefined) return undefined;
  return text.includes("-----") ? pemCertificates(text)?.[0] : base64Certificate(text);
}

function decoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}

import { X509Certificate } from "node:crypto";

const BEGIN = "-----BEGIN ";
const DASHES = "-----";
const LABEL = "CERTIFICATE";

/**
 * The certificates in a text of PEM blocks (RFC 7468). Text around the blocks is left out, and any
 * white space may stand in place of the line breaks.
 *
 * @returns undefined if a block is cut off, is no certificate, or does not parse.
 */
export function pemCertificates(text: string): readonly X509Certificate[] | undefined {
  const certificates: X509Certificate[] = [];
  let at = text.indexOf(BEGIN);
  while (at >= 0) {
    const start = at + `${BEGIN}${LABEL}${DASHES}`.length;
    const end = text.indexOf(`-----END ${LABEL}-----`, start);
    if (!text.startsWith(`${LABEL}${DASHES}`, at + BEGIN.length) || end < 0) return undefined;
    const certificate = base64Certificate(text.slice(start, end));
    if (certificate === undefined) return undefined;
    certificates.push(certificate);
    at = text.indexOf(BEGIN, end);
  }
  return certificates;
}

/** A DER certificate in Base64 with white space anywhere; undefined if it does not parse. */
export function base64Certificate(text: string): X509Certificate | undefined {
  const base64 = text.replace(/\s+/g, "");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  try {
    return new X509Certificate(Buffer.from(base64, "base64"));
  } catch {
    return undefined;
  }
}

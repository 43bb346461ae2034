/**
 * Bytes of a Base64 text as gateways and their clients write it: what is not of the alphabet is
 * dropped, and only wrong padding is an error (service §2.1).
 *
 * @returns undefined if the padding is wrong.
 */
export function lenientBase64(text: string): Buffer | undefined {
  const known = text.replace(/[^A-Za-z0-9+/=]/g, "");
  const isPadded = known.length % 4 === 0 && /^[^=]*={0,2}$/.test(known);
  return isPadded ? Buffer.from(known, "base64") : undefined;
}

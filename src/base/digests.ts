import { hash } from "node:crypto";

/** Strongest last, as the wire lists them (core-rest §8.1). */
export const ALGORITHMS = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** Lower-case hex by algorithm. */
export type Digests = Readonly<Partial<Record<Algorithm, string>>>;

export const HEX_LENGTH: Readonly<Record<Algorithm, number>> = {
  md5: 32,
  sha1: 40,
  sha224: 56,
  sha256: 64,
  sha384: 96,
  sha512: 128,
};

/** Whether the text is a lower-case hex digest of that algorithm. */
export const isHexDigest = (algorithm: Algorithm, text: string): boolean =>
  text.length === HEX_LENGTH[algorithm] && /^[0-9a-f]+$/.test(text);

export const sha256 = (data: string | Uint8Array): Buffer => hash("sha256", data, "buffer");

/**
 * 32-byte key of a list of texts: SHA-256 over each text prefixed by its byte length, so that no
 * two lists give the same bytes (data-model §4, `content.natural_key`).
 */
export function naturalKey(parts: readonly string[]): Buffer {
  return hash(
    "sha256",
    parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join(""),
    "buffer",
  );
}

/** First 128 bits of SHA-256 of a text, written as a UUID (data-model §2, `key128`). */
export function key128(text: string): string {
  const hex = hash("sha256", text);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

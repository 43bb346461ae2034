import { createHash, type KeyObject } from "node:crypto";

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/**
 * Name of a public key in the way of libtrust, with which registries find it: the first 30 hex digits
 * of the SHA-256 of its DER form, as text in base 32, in groups of four (plugin-container §7.3.1).
 */
export function keyId(publicKey: KeyObject): string {
  const der = publicKey.export({ type: "spki", format: "der" });
  const digits = createHash("sha256").update(der).digest("hex").slice(0, 30);
  return (base32(Buffer.from(digits)).match(/.{4}/g) ?? []).join(":");
}

/** Of a multiple of five bytes, which needs no padding. */
function base32(bytes: Buffer): string {
  let value = BigInt(`0x${bytes.toString("hex")}`);
  const digits: string[] = [];
  for (let left = (bytes.length * 8) / 5; left > 0; left -= 1) {
    digits.unshift(BASE32[Number(value & 31n)] ?? "");
    value >>= 5n;
  }
  return digits.join("");
}

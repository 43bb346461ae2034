import { randomBytes, randomInt, timingSafeEqual } from "node:crypto";
import { slowHash } from "./slow-hash.ts";

const KEY_BYTES = 32;
const ITERATIONS = 1_000_000;
const ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/** `pbkdf2_sha256$<iterations>$<salt>$<base64>`, as the peer stores it; does not block. */
export async function hashPassword(
  password: string,
  { salt = randomText(22), iterations = ITERATIONS } = {},
): Promise<string> {
  const key = await slowHash({ password, salt, iterations, bytes: KEY_BYTES });
  return `pbkdf2_sha256$${iterations}$${salt}$${key.toString("base64")}`;
}

/**
 * Whether the password is the one of the stored hash. Takes as long for a wrong one; a hash that is
 * unusable (`!…`), empty or of another kind matches nothing, after the work of a real comparison.
 */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const parsed = /^pbkdf2_sha256\$(\d{1,8})\$([^$]+)\$([A-Za-z0-9+/]{43}=)$/.exec(stored);
  const [, iterations, salt, hash] = parsed ?? [];
  const rounds = Math.max(1, Number(iterations ?? ITERATIONS));
  const key = await slowHash({
    password,
    salt: salt ?? "",
    iterations: rounds,
    bytes: KEY_BYTES,
  });
  return hash !== undefined && timingSafeEqual(key, Buffer.from(hash, "base64"));
}

/** Whether the hash was made with fewer rounds than new ones are; store a fresh one at log-in. */
export function needsRehash(stored: string): boolean {
  const [algorithm, iterations] = stored.split("$");
  return algorithm !== "pbkdf2_sha256" || Number(iterations) < ITERATIONS;
}

/** A hash that no password matches, for users that log in by other means. */
export const unusablePassword = (): string => `!${randomBytes(30).toString("base64url")}`;

/** Letters and digits, about 5.95 bits each. */
export const randomText = (length: number): string =>
  Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");

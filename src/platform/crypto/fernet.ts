import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";
import { secretErrors } from "./errors.ts";
import type { Secrets } from "./secrets.ts";

const VERSION = 0x80;
/** Version, time (8), initialisation vector (16), one cipher block (16), signature (32). */
const SHORTEST_TOKEN = 1 + 8 + 16 + 16 + 32;

/** One Fernet key: 16 bytes that sign, 16 bytes that encrypt. */
export interface FernetKey {
  readonly signing: Buffer;
  readonly encryption: Buffer;
  /** First 8 hex digits of the SHA-256 of the 32 bytes. */
  readonly name: string;
}

/**
 * Reads one key.
 *
 * @param text 32 bytes in URL-safe Base64, padded or not.
 * @returns undefined if it is not that.
 */
export function parseFernetKey(text: string): FernetKey | undefined {
  if (!/^[A-Za-z0-9_-]{43}=?$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length !== 32) return undefined;
  const name = createHash("sha256").update(bytes).digest("hex").slice(0, 8);
  return { signing: bytes.subarray(0, 16), encryption: bytes.subarray(16), name };
}

/** A fresh key in the form that `parseFernetKey` reads. */
export const generateFernetKey = (): string => padded(randomBytes(32));

/**
 * Makes a token.
 *
 * @param seconds time stamp, seconds since 1970
 * @param iv 16 random bytes; given only by tests
 * @see https://github.com/fernet/spec/blob/master/Spec.md
 */
export function fernetToken(
  key: FernetKey,
  text: string,
  { seconds, iv }: { readonly seconds: number; readonly iv: Buffer },
): string {
  const head = Buffer.alloc(9);
  head.writeUInt8(VERSION, 0);
  head.writeBigUInt64BE(BigInt(seconds), 1);
  const cipher = createCipheriv("aes-128-cbc", key.encryption, iv);
  const body = Buffer.concat([head, iv, cipher.update(text, "utf8"), cipher.final()]);
  return padded(Buffer.concat([body, signature(key, body)]));
}

/** The text of a token, or undefined if this key did not make it. Its age does not matter. */
export function openFernetToken(key: FernetKey, token: string): string | undefined {
  if (!/^[A-Za-z0-9_-]+={0,2}$/.test(token)) return undefined;
  const bytes = Buffer.from(token, "base64url");
  if (bytes.length < SHORTEST_TOKEN || bytes[0] !== VERSION) return undefined;
  const body = bytes.subarray(0, -32);
  if (!timingSafeEqual(signature(key, body), bytes.subarray(-32))) return undefined;
  return decrypt(key, body);
}

/** Seals with the first key and opens with all of them. */
export function createSecrets(keys: readonly [FernetKey, ...FernetKey[]]): Secrets {
  const [current] = keys;
  return {
    keyName: current.name,
    seal: (text) =>
      fernetToken(current, text, { seconds: Math.floor(Date.now() / 1000), iv: randomBytes(16) }),
    open(token) {
      for (const key of keys) {
        const text = openFernetToken(key, token);
        if (text !== undefined) return text;
      }
      throw secretErrors.unreadable();
    },
  };
}

function decrypt(key: FernetKey, body: Buffer): string | undefined {
  const decipher = createDecipheriv("aes-128-cbc", key.encryption, body.subarray(9, 25));
  try {
    return Buffer.concat([decipher.update(body.subarray(25)), decipher.final()]).toString("utf8");
  } catch {
    // The signature was right but the padding is not: the token was made wrongly.
    return undefined;
  }
}

const signature = (key: FernetKey, body: Buffer): Buffer =>
  createHmac("sha256", key.signing).update(body).digest();

function padded(bytes: Buffer): string {
  const text = bytes.toString("base64url");
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

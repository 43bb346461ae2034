import { hash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

/** Of every API token. */
export const PREFIX = "dkl_";
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** 256 bits in base 62. */
const SECRET_LENGTH = 43;
/** 32 bits in base 62. */
const CHECK_LENGTH = 6;
/** Characters of a whole token. */
export const LENGTH = PREFIX.length + SECRET_LENGTH + CHECK_LENGTH;
const FORM = new RegExp(`^${PREFIX}[0-9A-Za-z]{${SECRET_LENGTH + CHECK_LENGTH}}$`);

/**
 * A new API token: `dkl_`, 43 digits of base 62 that hold 256 random bits, and 6 more with the CRC-32
 * of those 43. Scanners find it by its form, and the last six tell a leaked token from chance.
 */
export function newToken(): string {
  const secret = base62(BigInt(`0x${randomBytes(32).toString("hex")}`), SECRET_LENGTH);
  return `${PREFIX}${secret}${checkDigits(secret)}`;
}

/** Whether a text has the form of a token, whole or with a slip in it. */
export const looksLikeToken = (text: string): boolean => FORM.test(text);

/** Whether a text of that form was typed right: tells without asking a database. */
export function isWholeToken(text: string): boolean {
  const secret = text.slice(PREFIX.length, -CHECK_LENGTH);
  return looksLikeToken(text) && text.endsWith(checkDigits(secret));
}

/** What is stored of a token. Nobody guesses 256 bits, so that a slow hash would protect nothing. */
export const tokenHash = (token: string): Buffer => hash("sha256", token, "buffer");

/** A token as logs may show it, wherever somebody has put it: `dkl_…`. */
export const withoutToken = (text: string): string =>
  text.replace(/dkl_[0-9A-Za-z]{8,}/g, `${PREFIX}…`);

const checkDigits = (secret: string): string => base62(BigInt(crc32(secret)), CHECK_LENGTH);

function base62(value: bigint, length: number): string {
  let text = "";
  for (let rest = value; rest > 0n; rest /= 62n) text = DIGITS[Number(rest % 62n)] + text;
  return text.padStart(length, "0");
}

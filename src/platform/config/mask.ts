import type { SettingSpecs } from "#base/settings.ts";
import { isTree } from "./merge.ts";

const MASK = "********";
/** Names whose values are secrets wherever they stand, e.g. `DATABASES.default.PASSWORD`. */
const SECRET_NAME =
  /(password|passphrase|secret|secret_key|token|access_key|account_key|private_key|sas_token|connection_string|cloudfront_key)$/i;
/** `postgresql://user:password@host`: the password of an address. */
const CREDENTIALS = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/@]+@/gi;

/** A value as it may be shown: secrets inside are replaced. */
export function maskedValue(name: string, value: unknown): unknown {
  if (value === null || value === undefined || typeof value === "boolean") return value;
  const [last = name] = name.split(".").reverse();
  if (SECRET_NAME.test(last) && typeof value !== "object") return value === "" ? "" : MASK;
  if (typeof value === "string") return value.replace(CREDENTIALS, `$1:${MASK}@`);
  if (Array.isArray(value)) return value.map((item) => maskedValue(name, item));
  if (!isTree(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, maskedValue(key, item)]);
  return Object.fromEntries(entries);
}

/** All values as they may be shown. */
export function maskedValues(
  specs: SettingSpecs,
  values: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const entries = Object.entries(values).map(([name, value]) => {
    const isHidden = specs[name]?.secret === true && value !== "" && value !== null;
    return [name, isHidden ? MASK : maskedValue(name, value)];
  });
  return Object.fromEntries(entries);
}

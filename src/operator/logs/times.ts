import { appErrors } from "#app/errors.ts";

const UNITS_MS: Readonly<Record<string, number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
};

const ISO = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/**
 * Reads a moment: ISO 8601, of UTC without a zone, `now`, or `3 hours ago`.
 *
 * @returns milliseconds since 1970
 * @throws `appErrors.usage`
 */
export function momentOf(flag: string, text: string, nowMs: number): number {
  const given = text.trim();
  if (given === "now") return nowMs;
  const [, count, unit = ""] = /^(\d{1,6}) (second|minute|hour|day|week)s? ago$/.exec(given) ?? [];
  if (count !== undefined) return nowMs - Number(count) * (UNITS_MS[unit] ?? 0);
  const [iso, zone] = ISO.exec(given) ?? [];
  const isDay = given.length === 10;
  const moment = Date.parse(
    iso === undefined ? "" : `${iso.replace(" ", "T")}${isDay || zone !== undefined ? "" : "Z"}`,
  );
  if (!Number.isNaN(moment)) return moment;
  throw appErrors.usage(
    `--${flag} must be a time like 2026-08-12T09:30:00Z, now or '3 hours ago', not '${text}'.`,
  );
}

import { fieldError } from "#base/errors.ts";
import { PACKAGE_TYPES } from "../package-types.ts";

export const INTERVALS = ["hour", "day", "week", "month"] as const;
export type Interval = (typeof INTERVALS)[number];

/** What a report is about (service §9.5). */
export interface Parameters {
  /** Milliseconds since 1970. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  readonly interval: Interval;
  /** Base path, with `*` and `?` for what may stand there. */
  readonly distribution: string | null;
  readonly packageType: string | null;
  /** Rows of reports that name the first of many. */
  readonly limit: number;
  readonly isOfAllDomains: boolean;
  readonly isCsv: boolean;
}

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
const MOST_DAYS = 400;
const DEFAULT_LIMIT = 20;
const MOST_ROWS = 1000;
const MOST_CHARACTERS = 500;

/**
 * Reads the query of a report.
 *
 * @param accept header of the request, which may ask for CSV where the query does not say.
 * @throws `ValidationError` with what is wrong, by parameter.
 */
export function parametersOf(
  query: URLSearchParams,
  { accept, nowMs }: { readonly accept: string | undefined; readonly nowMs: number },
): Parameters {
  const last = (name: string): string | undefined => query.getAll(name).at(-1) || undefined;
  const toMs = timeIn("to", last("to")) ?? nowMs;
  const fromMs = timeIn("from", last("from")) ?? toMs - DEFAULT_DAYS * DAY_MS;
  if (fromMs >= toMs) throw fieldError("to", "'to' must be later than 'from'.");
  if (toMs - fromMs > MOST_DAYS * DAY_MS) {
    throw fieldError("to", `'to' may be at most ${MOST_DAYS} days later than 'from'.`);
  }
  const format = choiceIn("format", last("format"), ["json", "csv"]);
  return {
    ...{ fromMs, toMs },
    interval: choiceIn("interval", last("interval"), INTERVALS) ?? "day",
    distribution: textIn("distribution", last("distribution")) ?? null,
    packageType: choiceIn("package_type", last("package_type"), PACKAGE_TYPES) ?? null,
    limit: limitIn(last("limit")),
    isOfAllDomains: choiceIn("all_domains", last("all_domains")?.toLowerCase(), FLAGS) === "true",
    isCsv: format === undefined ? prefersCsv(accept) : format === "csv",
  };
}

/** The same for the description. */
export const PARAMETERS = {
  from: { type: "string", format: "date-time" },
  to: { type: "string", format: "date-time" },
  interval: { type: "string", enum: INTERVALS, default: "day" },
  distribution: { type: "string" },
  package_type: { type: "string", enum: PACKAGE_TYPES },
  limit: { type: "integer", minimum: 1, maximum: MOST_ROWS, default: DEFAULT_LIMIT },
  all_domains: { type: "boolean", default: false },
  format: { type: "string", enum: ["json", "csv"] },
} as const;

const FLAGS = ["true", "false"] as const;

const TIME =
  /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/i;
const ZONE = /(?:Z|[+-]\d{2}:?\d{2})$/i;

/** A day is its beginning; what names no zone is UTC. */
function timeIn(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  // A plus sign of the zone that was not encoded arrives as a space.
  const value = text.trim().replace(/ (\d{2}:?\d{2})$/, "+$1");
  const isDay = value.length === 10;
  const whole = isDay || ZONE.test(value.slice(11)) ? value : `${value}Z`;
  const timeMs = TIME.test(value) ? Date.parse(whole.replace(" ", "T")) : Number.NaN;
  // JavaScript moves the 30th of February on.
  const isReal =
    new Date(`${value.slice(0, 10)}T00:00:00Z`).getUTCDate() === Number(value.slice(8, 10));
  if (Number.isNaN(timeMs) || !isReal) throw fieldError(name, "Enter a valid date/time.");
  return timeMs;
}

function choiceIn<Choice extends string>(
  name: string,
  text: string | undefined,
  choices: readonly Choice[],
): Choice | undefined {
  if (text === undefined) return undefined;
  const found = choices.find((one) => one === text);
  if (found === undefined) throw fieldError(name, `"${text}" is not a valid choice.`);
  return found;
}

function textIn(name: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (text.includes("\0") || !text.isWellFormed()) {
    throw fieldError(name, "Null characters are not allowed.");
  }
  if (text.length > MOST_CHARACTERS) {
    throw fieldError(name, `Ensure this field has no more than ${MOST_CHARACTERS} characters.`);
  }
  return text;
}

function limitIn(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIMIT;
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(limit)) throw fieldError("limit", "A valid integer is required.");
  if (limit < 1) throw fieldError("limit", "Ensure this value is greater than or equal to 1.");
  if (limit > MOST_ROWS) {
    throw fieldError("limit", `Ensure this value is less than or equal to ${MOST_ROWS}.`);
  }
  return limit;
}

/** Whether CSV comes before JSON: by weight, and by place where both weigh the same. */
function prefersCsv(accept = ""): boolean {
  const ranges = accept.split(",", 50).map((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const weight = parameters.find((one) => one.startsWith("q="))?.slice(2);
    return { type, weight: weight === undefined ? 1 : Number(weight) || 0 };
  });
  const csv = ranges.findIndex(({ type, weight }) => type === "text/csv" && weight > 0);
  const json = ranges.findIndex(({ type, weight }) => type === "application/json" && weight > 0);
  if (csv < 0 || json < 0) return csv >= 0;
  const difference = (ranges[csv]?.weight ?? 0) - (ranges[json]?.weight ?? 0);
  return difference === 0 ? csv < json : difference > 0;
}

/** What a request can compare with. */
export interface Validators {
  /** Strong, with its quotes. */
  readonly etag?: string | undefined;
  /** Milliseconds, whole seconds. */
  readonly lastModifiedMs?: number | undefined;
}

/** The request headers that conditions are made of. */
export interface Conditions {
  readonly "if-match"?: string | undefined;
  readonly "if-none-match"?: string | undefined;
  readonly "if-modified-since"?: string | undefined;
  readonly "if-unmodified-since"?: string | undefined;
  readonly "if-range"?: string | undefined;
}

/**
 * Decides a conditional request.
 *
 * @returns 304 or 412 in place of the body, 200 to go on.
 * @see RFC 9110, section 13.2.2 (precedence); core-content §5.6.
 */
export function evaluate(conditions: Conditions, validators: Validators): 200 | 304 | 412 {
  if (fails(conditions, validators)) return 412;
  const noneMatch = conditions["if-none-match"];
  if (noneMatch !== undefined) return lists(noneMatch, validators.etag, weakly) ? 304 : 200;
  const since = httpDate(conditions["if-modified-since"]);
  const { lastModifiedMs } = validators;
  return since !== undefined && lastModifiedMs !== undefined && since >= lastModifiedMs ? 304 : 200;
}

function fails(conditions: Conditions, { etag, lastModifiedMs }: Validators): boolean {
  const match = conditions["if-match"];
  if (match !== undefined) return !lists(match, etag, strongly);
  const since = httpDate(conditions["if-unmodified-since"]);
  return since !== undefined && lastModifiedMs !== undefined && lastModifiedMs > since;
}

/** Whether `If-Range` lets a range apply; without the header it does. */
export function rangeApplies(conditions: Conditions, validators: Validators): boolean {
  const condition = conditions["if-range"];
  if (condition === undefined) return true;
  if (condition.startsWith('"')) return condition === validators.etag;
  const date = httpDate(condition);
  return date !== undefined && date === validators.lastModifiedMs;
}

const strongly = (candidate: string, etag: string): boolean => candidate === etag;
const weakly = (candidate: string, etag: string): boolean =>
  (candidate.startsWith("W/") ? candidate.slice(2) : candidate) === etag;

function lists(
  header: string,
  etag: string | undefined,
  same: (candidate: string, etag: string) => boolean,
): boolean {
  if (header.trim() === "*") return true;
  if (etag === undefined) return false;
  return header.split(",").some((candidate) => same(candidate.trim(), etag));
}

const DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? /;

/** Milliseconds of an HTTP date in one of its three forms; undefined if it is none. */
export function httpDate(text: string | undefined): number | undefined {
  if (text === undefined || !DATE.test(text)) return undefined;
  const ms = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(ms) ? undefined : ms;
}

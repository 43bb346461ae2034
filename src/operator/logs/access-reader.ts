import {
  API_ACCESS_FORMAT,
  CONTENT_ACCESS_FORMAT,
  SERVICE_API_ACCESS_FORMAT,
  SERVICE_CONTENT_ACCESS_FORMAT,
} from "#platform/log/access-log.ts";

/** What an access line says; what its template does not hold, or was not known, is left out. */
export interface AccessFacts {
  /** Milliseconds since 1970, to the second. */
  readonly atMs: number;
  readonly method: string;
  /** Without the query, as it was sent. */
  readonly path: string;
  readonly status: number;
  readonly user?: string;
  readonly orgId?: string;
  readonly userAgent?: string;
  readonly forwardedFor?: string;
  readonly cache?: string;
  readonly artifactSize?: string;
  /** Milliseconds. */
  readonly durationMs?: number;
}

export type AccessReader = (line: string) => AccessFacts | undefined;

/** By the token of a template, the name of the group that reads its value. */
const GROUPS: Readonly<Record<string, string>> = {
  "%(t)s": "time",
  "%t": "time",
  "%(r)s": "request",
  "%r": "request",
  "%(s)s": "status",
  "%s": "status",
  "%(u)s": "user",
  "%({REMOTE_USER}e)s": "user",
  "%({ORG_ID}e)s": "org",
  "%{X-RH-ORG-ID}o": "org",
  "%(a)s": "agent",
  "%{User-Agent}i": "agent",
  "%({X-Forwarded-For}i)s": "forwarded",
  "%{X-Forwarded-For}i": "forwarded",
  "%{X-PULP-CACHE}o": "cache",
  "%{X-PULP-ARTIFACT-SIZE}o": "size",
  "%(M)s": "millis",
  "%Tf": "seconds",
};

const TOKEN = /("?)(%\(\{[^}]+\}[ioe]\)s|%\(\w+\)s|%\{[^}]+\}[ioe]|%Tf|%\w)("?)/g;
/** Inside quotes, quotes of the value are escaped (`access-format.ts`). */
const QUOTED = String.raw`(?:[^"\\]|\\.)*`;
const BRACKETED = String.raw`\[[^\]]*\]`;

/** Fields at the end that older releases did not write yet. */
const OPTIONAL_ENDS = [' request_time:"%Tf"'];

/** Reads lines of the API server, in the template of the hosted service or the standard one. */
export const apiAccessReader = (): AccessReader =>
  eitherOf([SERVICE_API_ACCESS_FORMAT, API_ACCESS_FORMAT], { isApi: true });

/** The same of the content app. */
export const contentAccessReader = (): AccessReader =>
  eitherOf([SERVICE_CONTENT_ACCESS_FORMAT, CONTENT_ACCESS_FORMAT], { isApi: false });

/** Lines that are objects (`LOG_FORMAT=json`) are understood besides the templates. */
function eitherOf(
  formats: readonly string[],
  { isApi }: { readonly isApi: boolean },
): AccessReader {
  const patterns = formats.map(patternOf);
  return (line) => {
    if (line.startsWith("{")) return jsonFacts(line, isApi);
    for (const pattern of patterns) {
      const groups = pattern.exec(line)?.groups;
      if (groups) return factsOf(groups);
    }
    return undefined;
  };
}

/**
 * Turns a template of lines into the expression that reads them. A pair of parentheses around the
 * whole line, which some templates have, is let pass.
 */
export function patternOf(format: string): RegExp {
  const end = OPTIONAL_ENDS.find((optional) => format.endsWith(optional)) ?? "";
  const start = format.slice(0, format.length - end.length);
  const optional = end === "" ? "" : `(?:${expression(end)})?`;
  return new RegExp(`^\\(?${expression(start)}${optional}\\)?$`);
}

function expression(format: string): string {
  const parts: string[] = [];
  let at = 0;
  for (const match of format.matchAll(TOKEN)) {
    const [whole, before, token = "", after] = match;
    parts.push(RegExp.escape(format.slice(at, match.index)));
    const value = before === '"' && after === '"' ? QUOTED : bareValue(token);
    const group = GROUPS[token];
    const read = group === undefined ? `(?:${value})` : `(?<${group}>${value})`;
    parts.push(`${before}${read}${after}`);
    at = match.index + whole.length;
  }
  parts.push(RegExp.escape(format.slice(at)));
  return parts.join("");
}

/** Names of users may hold spaces: such a value ends where what follows it in the template begins. */
function bareValue(token: string): string {
  if (GROUPS[token] === "time") return BRACKETED;
  return GROUPS[token] === "user" ? ".*?" : String.raw`[^\s"]*?`;
}

type Groups = Readonly<Record<string, string | undefined>>;

function factsOf(groups: Groups): AccessFacts | undefined {
  const [, method, url] = /^(\S+) (\S+) \S+$/.exec(groups.request ?? "") ?? [];
  const atMs = timeOf(groups.time ?? "");
  const status = Number(groups.status);
  if (method === undefined || url === undefined || !isSound(atMs, status)) return undefined;
  return {
    ...{ atMs, method, path: withoutQuery(url), status },
    ...known({
      user: groups.user,
      orgId: groups.org,
      userAgent: groups.agent,
      forwardedFor: groups.forwarded,
      cache: groups.cache,
      artifactSize: groups.size,
    }),
    ...duration(groups),
  };
}

const isSound = (atMs: number, status: number): boolean =>
  !Number.isNaN(atMs) && Number.isInteger(status) && status >= 0 && status < 1000;

function duration({ millis, seconds }: Groups): { readonly durationMs?: number } {
  if (millis !== undefined) return { durationMs: Number(millis) };
  return seconds === undefined ? {} : { durationMs: Math.round(Number(seconds) * 1000) };
}

/** `-` is what was not there. */
const known = (values: Readonly<Record<string, string | undefined>>) =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined || value === "-" || value === ""
        ? []
        : [[name, value.replaceAll('\\"', '"')]],
    ),
  );

const withoutQuery = (url: string): string => url.replace(/\?.*$/s, "");

const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";

/** `[12/Aug/2026:09:30:00 +0000]`. */
function timeOf(text: string): number {
  const [, day, month = "", year, clock, zone] =
    /^\[(\d\d)\/(\w{3})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d\d:?\d\d)\]$/.exec(text) ?? [];
  const number = String(MONTHS.indexOf(month) / 3 + 1).padStart(2, "0");
  const offset = zone?.replace(/^(...)(\d\d)$/, "$1:$2");
  return Date.parse(`${year}-${number}-${day}T${clock}${offset}`);
}

/** An object of `access-json.ts`; those of the content app have no user. */
function jsonFacts(line: string, isApi: boolean): AccessFacts | undefined {
  const found = parsed(line);
  if (found?.logger !== "access") return undefined;
  const text = (name: string) => (found[name] === undefined ? undefined : String(found[name]));
  const atMs = Date.parse(text("time") ?? "");
  const [method, url] = [text("method"), text("url")];
  const status = Number(found.status);
  if (method === undefined || url === undefined || !isSound(atMs, status)) return undefined;
  return {
    ...{ atMs, method, path: withoutQuery(url), status },
    ...known({
      user: text("user"),
      orgId: text(isApi ? "org_id" : "rh_org_id"),
      userAgent: text("user_agent"),
      forwardedFor: text("x_forwarded_for"),
      cache: text("cache"),
      artifactSize: text("artifact_size"),
    }),
    ...(found.duration_ms === undefined
      ? {}
      : { durationMs: Math.round(Number(found.duration_ms)) }),
  };
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    // A line of somebody else, cut off or never meant to be an object: it is counted as skipped.
    return undefined;
  }
}

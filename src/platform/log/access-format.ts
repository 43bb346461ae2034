import { escapeControls } from "./text-line.ts";

/** One finished request. */
export interface AccessRecord {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly method: string;
  /** Path as it was sent, without the query. */
  readonly path: string;
  readonly query: string;
  readonly url: string;
  /** `HTTP/1.1`. */
  readonly protocol: string;
  readonly status: number;
  /** Body length as announced. */
  readonly bytes: number;
  readonly startedAt: Date;
  readonly durationMs: number;
  /** By lower-case name. */
  readonly requestHeader: (name: string) => string | undefined;
  readonly responseHeader: (name: string) => string | undefined;
  /** Values of `%({name}e)s`. */
  readonly environment: (name: string) => string | undefined;
}

type Token = (record: AccessRecord) => string;

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const two = (value: number): string => String(value).padStart(2, "0");

/** `[12/Aug/2026:09:30:00 +0000]`. */
function bracketed(at: Date): string {
  const day = `${two(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}`;
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(two).join(":");
  return `[${day}:${time} +0000]`;
}

const requestLine: Token = ({ method, url, protocol }) => `${method} ${url} ${protocol}`;
const seconds: Token = ({ durationMs }) => (durationMs / 1000).toFixed(6);
const wholeSeconds: Token = ({ durationMs }) => String(Math.floor(durationMs / 1000));
const micros: Token = ({ durationMs }) => String(Math.round(durationMs * 1000));
const pid: Token = () => String(process.pid);

/** `%(x)s`, the API's language. */
const API_TOKENS: Readonly<Record<string, Token>> = {
  h: ({ address }) => address,
  l: () => "-",
  u: ({ user }) => user,
  t: ({ startedAt }) => bracketed(startedAt),
  r: requestLine,
  m: ({ method }) => method,
  U: ({ path }) => path,
  q: ({ query }) => query,
  H: ({ protocol }) => protocol,
  s: ({ status }) => String(status),
  B: ({ bytes }) => String(bytes),
  b: ({ bytes }) => (bytes === 0 ? "-" : String(bytes)),
  f: (record) => record.requestHeader("referer") ?? "-",
  a: (record) => record.requestHeader("user-agent") ?? "-",
  T: wholeSeconds,
  M: ({ durationMs }) => String(Math.round(durationMs)),
  D: micros,
  L: seconds,
  p: () => `<${process.pid}>`,
};

/** `%x`, the content app's language. */
const CONTENT_TOKENS: Readonly<Record<string, Token>> = {
  a: ({ address }) => address,
  t: ({ startedAt }) => bracketed(startedAt),
  P: pid,
  r: requestLine,
  s: ({ status }) => String(status),
  b: ({ bytes }) => String(bytes),
  T: wholeSeconds,
  Tf: seconds,
  D: micros,
};

const TOKEN = /%%|%\(\{([^}]+)\}([ioe])\)s|%\((\w+)\)s|%\{([^}]+)\}([ioe])|%(Tf|\w)/g;

/**
 * Compiles an access format. Both languages are understood everywhere: `%(h)s`, `%({name}i)s` of
 * the API and `%a`, `%{name}i` of the content app.
 *
 * @throws an error that names the token if it is unknown
 */
export function compileAccessFormat(format: string): (record: AccessRecord) => string {
  const parts: Token[] = [];
  let end = 0;
  for (const match of format.matchAll(TOKEN)) {
    parts.push(literal(format.slice(end, match.index)), token(match));
    end = match.index + match[0].length;
  }
  parts.push(literal(format.slice(end)));
  return (record) => parts.map((part) => part(record)).join("");
}

function literal(text: string): Token {
  if (text.includes("%")) throw new Error(`Unknown token in the access log format near '${text}'.`);
  return () => text;
}

function token(match: RegExpExecArray): Token {
  const [whole, apiName, apiKind, apiToken, name, kind, contentToken] = match;
  if (whole === "%%") return () => "%";
  const named = apiName ?? name;
  if (named !== undefined) return namedValue(named, apiKind ?? kind ?? "i");
  const found = apiToken === undefined ? CONTENT_TOKENS[contentToken ?? ""] : API_TOKENS[apiToken];
  if (!found) throw new Error(`Unknown token '${whole}' in the access log format.`);
  return (record) => safe(found(record));
}

function namedValue(name: string, kind: string): Token {
  const header = name.toLowerCase();
  if (kind === "e") return ({ environment }) => safe(environment(name) ?? "-");
  if (kind === "o") return (record) => safe(record.responseHeader(header) ?? "-");
  return (record) => safe(record.requestHeader(header) ?? "-");
}

/** Clients write parts of the line; they must not end it, nor a quoted field of it. */
const safe = (text: string): string => escapeControls(text).replaceAll('"', '\\"');

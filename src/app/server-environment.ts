import { appErrors } from "./errors.ts";

/** When a process of a server is replaced (service §14). */
export interface Recycling {
  /** Requests after which it is; 0 is never. */
  readonly maxRequests: number;
  /** Up to so many more, drawn once per process. */
  readonly jitter: number;
}

/** What variables say about the processes of a server, for flags that were not given. */
export interface ServerEnvironment extends Recycling {
  readonly workers: number;
  /** A process that says nothing for so long is replaced; also the longest that a request may take. */
  readonly timeoutSeconds: number | undefined;
  readonly graceSeconds: number;
  readonly isReloading: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Without any word, the API is renewed now and then, as its clients are used to. */
const DEFAULTS = {
  api: { maxRequests: 10_000, jitter: 500 },
  content: { maxRequests: 0, jitter: 0 },
} as const;

/** @throws `appErrors.usage` for a number that is none */
export function serverEnvironment(
  role: "api" | "content",
  environment: Environment,
): ServerEnvironment {
  const prefix = `PULP_${role.toUpperCase()}`;
  const first = (...names: readonly string[]) => {
    const name = names.find((one) => environment[one] !== undefined && environment[one] !== "");
    return name === undefined ? undefined : wholeNumber(name, environment[name] ?? "");
  };
  const maxRequests = first(`${prefix}_GUNICORN_MAX_REQUESTS`, `${prefix}_WORKERS_MAX_REQUESTS`);
  const jitter = first(
    `${prefix}_GUNICORN_MAX_REQUESTS_JITTER`,
    `${prefix}_WORKERS_MAX_REQUESTS_JITTER`,
  );
  return {
    workers: first(`${prefix}_GUNICORN_WORKERS`, `${prefix}_WORKERS`) ?? 1,
    timeoutSeconds: first(`${prefix}_GUNICORN_TIMEOUT`, "PULP_GUNICORN_TIMEOUT"),
    graceSeconds: first(`${prefix}_GUNICORN_GRACEFUL_TIMEOUT`) ?? 30,
    maxRequests: maxRequests ?? DEFAULTS[role].maxRequests,
    jitter: jitter ?? (maxRequests === undefined ? DEFAULTS[role].jitter : 0),
    isReloading: /^(1|true|yes|on)$/i.test(environment.PULP_GUNICORN_RELOAD ?? ""),
  };
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw appErrors.usage(`${name} must be a whole number, but is '${text}'.`);
}

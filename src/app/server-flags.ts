import { hostname } from "node:os";
import { type Bind, parseBind } from "./bind.ts";
import { appErrors } from "./errors.ts";
import { integerFlag, readFlags } from "./flags.ts";
import { type Recycling, serverEnvironment } from "./server-environment.ts";
import type { ServerOptions } from "./service.ts";

/** What `pulpcore-api` and `pulpcore-content` were told (core-tasks-ops §18). */
export interface ServerCommand {
  readonly server: ServerOptions;
  /** Processes that share the addresses. */
  readonly workers: number;
  readonly role: "api" | "content";
  readonly recycling: Recycling;
  /** Silence after which a process hangs, and the longest request of the API; unlimited without it. */
  readonly timeoutSeconds: number | undefined;
  /** Processes are replaced when sources change. */
  readonly isReloading: boolean;
  /** Flags that were given and change nothing. */
  readonly ignored: readonly string[];
  readonly isHelp: boolean;
}

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;

/** Accepted, because service files and images give them; what they do happens by itself or not at all. */
const IGNORED = {
  config: { ...text, short: "c" },
  "limit-request-line": text,
  "limit-request-fields": text,
  "limit-request-field-size": text,
  "error-logfile": text,
  "log-file": text,
  "reload-engine": text,
  "reload-extra-file": text,
  preload: flag,
  "reuse-port": flag,
  user: { ...text, short: "u" },
  group: { ...text, short: "g" },
  "control-socket": text,
} as const;

const OPTIONS = {
  ...IGNORED,
  timeout: { ...text, short: "t" },
  "max-requests": text,
  "max-requests-jitter": text,
  reload: flag,
  bind: { ...text, short: "b", multiple: true },
  workers: { ...text, short: "w" },
  name: { ...text, short: "n" },
  "name-template": text,
  "graceful-timeout": text,
  "keep-alive": text,
  "access-logfile": text,
  "access-logformat": text,
  "log-level": text,
  chdir: text,
  help: { ...flag, short: "h" },
} as const;

/**
 * Reads the flags; those in `GUNICORN_CMD_ARGS` come first. What other parts read as a setting is
 * put into the environment of this process and of its children.
 *
 * @throws `appErrors.usage`, `appErrors.bind`
 */
export function readServerFlags(
  parameters: readonly string[],
  { name: role, port }: { readonly name: "api" | "content"; readonly port: number },
): ServerCommand {
  const told = serverEnvironment(role, process.env);
  const common = wordsOf(process.env.GUNICORN_CMD_ARGS ?? "");
  const { text: given, list, on, rest } = readFlags([...common, ...parameters], OPTIONS);
  // The peer's entry point names an application here; ours has one.
  const [extra] = rest.filter((word) => !/^pulpcore[.\w]*(:\w+(\(\))?)?$/.test(word));
  if (extra !== undefined) throw appErrors.usage(`There is nothing to do with '${extra}'.`);
  applyToProcess(given);
  const seconds = integerFlag("keep-alive", given["keep-alive"]);
  const timeoutSeconds = integerFlag("timeout", given.timeout) ?? told.timeoutSeconds;
  const graceSeconds = integerFlag("graceful-timeout", given["graceful-timeout"]);
  return {
    server: {
      binds: bindsOf(list.bind, port),
      graceMs: 1000 * (graceSeconds ?? told.graceSeconds),
      ...optional("requestTimeoutMs", timeoutSeconds && timeoutSeconds * 1000),
      ...optional("accessLogfile", given["access-logfile"]),
      ...optional("accessLogformat", given["access-logformat"]),
      ...optional("keepAliveTimeoutMs", seconds === undefined ? undefined : seconds * 1000),
    },
    role,
    workers: Math.max(1, integerFlag("workers", given.workers) ?? told.workers),
    recycling: recyclingOf(given, told),
    timeoutSeconds,
    isReloading: on.reload ?? told.isReloading,
    ignored: Object.keys(IGNORED).filter((name) => name in given || on[name]),
    isHelp: on.help === true,
  };
}

/** Words of a command line; quotes keep spaces together, as in a shell. */
const wordsOf = (line: string): readonly string[] =>
  (line.match(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g) ?? []).map((word) =>
    word.replaceAll(/"([^"]*)"|'([^']*)'/g, (_whole, double, single) => double ?? single),
  );

/** A number of requests that is given without its jitter has none. */
function recyclingOf(
  given: Readonly<Record<string, string | undefined>>,
  told: Recycling,
): Recycling {
  const maxRequests = integerFlag("max-requests", given["max-requests"]);
  const jitter = integerFlag("max-requests-jitter", given["max-requests-jitter"]);
  return {
    maxRequests: maxRequests ?? told.maxRequests,
    jitter: jitter ?? (maxRequests === undefined ? told.jitter : 0),
  };
}

/** Name template and log level are settings of every part of the process. */
export function applyToProcess(given: Readonly<Record<string, string | undefined>>): void {
  if (given.chdir) process.chdir(given.chdir);
  if (given.name) process.title = given.name;
  const template = given["name-template"];
  if (template) process.env.PULP_WORKER_NAME_TEMPLATE = `@str ${template}`;
  const level = given["log-level"];
  if (level) process.env.PULP_LOG_LEVEL = `@str ${LEVELS[level.toLowerCase()] ?? level}`;
}

const LEVELS: Readonly<Record<string, string>> = { warning: "warn", critical: "error" };

function bindsOf(texts: readonly string[] = [], port: number): readonly [Bind, ...Bind[]] {
  const [first, ...others] = texts.flatMap((list) => list.split(",")).map(parseBind);
  return first === undefined ? [{ host: "::", port }] : [first, ...others];
}

const optional = <Name extends string, Value>(name: Name, value: Value | undefined) =>
  (value === undefined ? {} : { [name]: value }) as { readonly [key in Name]?: Value };

export const serverUsage = (program: string, port: number): string => `Usage: ${program} [flags]

  -b, --bind ADDRESS        host:port, [IPv6]:port or unix:/path; repeatable, default [::]:${port}
  -w, --workers N           processes that share the addresses, default 1
  -n, --name TEXT           name of the process in process lists
      --name-template TEXT  name among the online processes; {pid}, {hostname} (${hostname()}), {fqdn}
      --access-logfile FILE access log, - is standard output; none without it
      --access-logformat F  its format
      --log-level LEVEL     debug, info, warning or error
      --max-requests N      requests after which a process is replaced, 0 is never
      --max-requests-jitter N  up to so many more, drawn once per process
  -t, --timeout S           silence after which a process is replaced; longest request of the API
      --reload              replaces the processes when sources change
      --graceful-timeout S  how long running requests may take after a stop, default 30
      --keep-alive S        how long an idle connection is kept, default 80 or more
      --chdir FOLDER        folder to work in

Accepted without effect: ${Object.keys(IGNORED)
  .map((name) => `--${name}`)
  .join(", ")}.
`;

import { hostname } from "node:os";
import { type Bind, parseBind } from "./bind.ts";
import { appErrors } from "./errors.ts";
import { integerFlag, readFlags } from "./flags.ts";
import type { ServerOptions } from "./service.ts";

/** What `pulpcore-api` and `pulpcore-content` were told (core-tasks-ops §18). */
export interface ServerCommand {
  readonly server: ServerOptions;
  /** Processes that share the addresses. */
  readonly workers: number;
  /** Flags that were given and change nothing. */
  readonly ignored: readonly string[];
  readonly isHelp: boolean;
}

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;

/** Accepted, because service files and images give them; what they do happens by itself or not at all. */
const IGNORED = {
  timeout: { ...text, short: "t" },
  "limit-request-line": text,
  "limit-request-fields": text,
  "limit-request-field-size": text,
  "max-requests": text,
  "max-requests-jitter": text,
  "error-logfile": text,
  "log-file": text,
  reload: flag,
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
export function readServerFlags(parameters: readonly string[], port: number): ServerCommand {
  const common = (process.env.GUNICORN_CMD_ARGS ?? "").split(/\s+/).filter((word) => word !== "");
  const { text: given, list, on, rest } = readFlags([...common, ...parameters], OPTIONS);
  // The peer's entry point names an application here; ours has one.
  const [extra] = rest.filter((word) => !/^pulpcore[.\w]*(:\w+(\(\))?)?$/.test(word));
  if (extra !== undefined) throw appErrors.usage(`There is nothing to do with '${extra}'.`);
  applyToProcess(given);
  const seconds = integerFlag("keep-alive", given["keep-alive"]);
  return {
    server: {
      binds: bindsOf(list.bind, port),
      graceMs: 1000 * (integerFlag("graceful-timeout", given["graceful-timeout"]) ?? 30),
      ...optional("accessLogfile", given["access-logfile"]),
      ...optional("accessLogformat", given["access-logformat"]),
      ...optional("keepAliveTimeoutMs", seconds === undefined ? undefined : seconds * 1000),
    },
    workers: Math.max(1, integerFlag("workers", given.workers) ?? 1),
    ignored: Object.keys(IGNORED).filter((name) => name in given || on[name]),
    isHelp: on.help === true,
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
      --graceful-timeout S  how long running requests may take after a stop, default 30
      --keep-alive S        how long an idle connection is kept, default 80 or more
      --chdir FOLDER        folder to work in

Accepted without effect: ${Object.keys(IGNORED)
  .map((name) => `--${name}`)
  .join(", ")}.
`;

import type { Server } from "node:http";
import type { Settings } from "#platform/config/settings.ts";
import { type AccessLog, JSON_FORMAT, openAccessLog } from "#platform/log/access-log.ts";
import { type Bind, bindText } from "./bind.ts";
import { appErrors } from "./errors.ts";

/** The third phase: something that serves until it is told to stop. */
export interface Service {
  readonly name: string;
  /**
   * Takes nothing new, finishes what it has, and resolves when it is done.
   *
   * @param lingerMs how long idle connections are left alone, since requests may be on their way
   */
  stop(lingerMs?: number): Promise<void>;
}

/** What the API and the content app have in common. */
export interface ServerOptions {
  readonly binds: readonly [Bind, ...Bind[]];
  /** `-` is standard output; none is written without it. */
  readonly accessLogfile?: string;
  readonly accessLogformat?: string;
  readonly keepAliveTimeoutMs?: number;
  /** How long running requests may take after the stop. */
  readonly graceMs: number;
  /** Longest request of the API; those that take longer are cut off. */
  readonly requestTimeoutMs?: number;
  /** Called after each response. */
  readonly onAnswered?: () => void;
}

/** The access log that was asked for: in the format that was asked for, or that of the settings. */
export function accessLogOf(
  { accessLogfile, accessLogformat }: ServerOptions,
  formats: Readonly<Record<Settings["ACCESS_LOG_TEMPLATE"], string>>,
  { LOG_FORMAT, ACCESS_LOG_TEMPLATE }: Settings,
): AccessLog | undefined {
  if (accessLogfile === undefined) return undefined;
  const format = LOG_FORMAT === "json" ? JSON_FORMAT : formats[ACCESS_LOG_TEMPLATE];
  return openAccessLog(accessLogfile, accessLogformat ?? format);
}

/** @throws `appErrors.listen` */
export function listen(server: Server, bind: Bind): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ ...bind, backlog: 1024 }, () => {
    server.off("error", reject);
    resolve();
  });
  return listening(bind, promise);
}

/** Waits for a server that begins to listen, and says in a sentence why it cannot. */
export async function listening(bind: Bind, started: Promise<unknown>): Promise<void> {
  try {
    await started;
  } catch (error) {
    throw appErrors.listen(bindText(bind), listenProblem(error as NodeJS.ErrnoException));
  }
}

/** Closes a server: idle connections at once, busy ones when they are done or the time is over. */
export async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  // A connection whose answer ends now is idle afterwards, and would wait for its next request.
  const idle = setInterval(() => server.closeIdleConnections(), 100);
  const late = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(idle);
  clearTimeout(late);
}

function listenProblem({ code, message }: NodeJS.ErrnoException): string {
  if (code === "EADDRINUSE") return "something else listens there already";
  if (code === "EACCES") return "this user may not";
  if (code === "EADDRNOTAVAIL") return "this machine does not have that address";
  return message;
}

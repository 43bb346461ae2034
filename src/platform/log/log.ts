/** The application log (core-tasks-ops §19.2). Texts never hold secrets or raw control characters. */
export interface Log {
  debug(message: string, facts?: object): void;
  info(message: string, facts?: object): void;
  warn(message: string, facts?: object): void;
  error(message: string, facts?: object): void;
  /** The same log under another logger name, e.g. `pulpcore.tasking.tasks`. */
  named(logger: string): Log;
  /** The same log with a correlation id on every line. */
  of(correlationId: string): Log;
}

/** Where an error happened that nobody foresaw; what is not known is left out. */
export interface Unhandled {
  readonly place: string;
  readonly correlationId?: string;
  /** Name of the domain. */
  readonly domain?: string;
  /** Id of the task. */
  readonly task?: string;
}

/** The application log (core-tasks-ops §19.2). Texts never hold secrets or raw control characters. */
export interface Log {
  debug(message: string, facts?: object): void;
  info(message: string, facts?: object): void;
  warn(message: string, facts?: object): void;
  error(message: string, facts?: object): void;
  /** An error that nobody foresaw, with its stack; it also goes to the tracker of errors. */
  unhandled(error: unknown, where: Unhandled): void;
  /** The same log under another logger name, e.g. `pulpcore.tasking.tasks`. */
  named(logger: string): Log;
  /** The same log with a correlation id on every line. */
  of(correlationId: string): Log;
}

/** A statement of a hot path: prepared once per connection under its name. */
export interface HotStatement<_Row> {
  readonly name: string;
  readonly text: string;
}

/** A statement of several that are sent together; prepared where it is marked for it (`PREPARE`). */
export interface FlightStatement {
  readonly text: string;
  /** As `prepareValue` takes them. */
  readonly values: readonly unknown[];
}

/** Runs hot statements outside transactions, without a query builder in between. */
export interface Hot {
  query<Row>(statement: HotStatement<Row>, values: readonly unknown[]): Promise<Row[]>;
  /**
   * Runs statements in one transaction that is sent at one stroke and answered at once: each sees what
   * those before it have done, and none waits for an answer.
   *
   * @returns rows by statement, in their order; rejects if one failed and nothing was done.
   */
  inOneFlight(statements: readonly FlightStatement[]): Promise<readonly (readonly unknown[])[]>;
}

/** Channels of LISTEN and NOTIFY (core-tasks-ops §5.2 and ours). */
export type Channel =
  | "pulp_worker_wakeup"
  | "pulp_worker_cancel"
  | "pulp_worker_metrics_heartbeat"
  | "deckle_distribution"
  | "deckle_access"
  | "deckle_guard_rules"
  | "deckle_blocked_files";

/**
 * One batcher per process: equal payloads within 10 ms become one NOTIFY, sent outside any
 * transaction, since a NOTIFY inside serialises commits (performance §7).
 */
export interface Notifier {
  notify(channel: Channel, payload: string): void;
  /** Resolves when everything said before has been sent. */
  flush(): Promise<void>;
  /** Calls back for each payload until the signal aborts; reconnects by itself. */
  listen(channel: Channel, onPayload: (payload: string) => void, signal: AbortSignal): void;
}

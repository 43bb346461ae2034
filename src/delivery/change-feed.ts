import type { Ctx } from "#core/ctx.ts";
import type { HotStatement } from "#platform/db/hot.ts";

const POLL_MS = 1000;

/** What depends on the changes: told about each, and asked whether it still needs to know. */
export interface ChangeListener {
  /**
   * @param distribution its id; the same change may be told twice.
   * @param isContentOnly its repository has a new version, and nothing else has changed.
   */
  changed(distribution: string, isContentOnly: boolean): void;
  /** Called at each poll; true while nothing is kept that could be outdated. */
  isIdle(): boolean;
}

/**
 * Follows `distribution_event`: at once after a notification, else each second, and not at all
 * while nothing depends on it. Rows are read from the lowest transaction that the previous reading
 * may not have seen, so a transaction that commits late is never missed.
 */
export class ChangeFeed {
  readonly #ctx: Ctx;
  readonly #listener: ChangeListener;
  readonly #stop = new AbortController();
  #since: bigint | undefined;
  /** `xact distribution` that were told, from `#since` on. */
  #told = new Set<string>();
  #running: Promise<void> | undefined;
  /** Ends the pause; and whether there is none before the next look. */
  #endPause: (() => void) | undefined;
  #isDue = false;
  #isDown = false;

  constructor(ctx: Ctx, listener: ChangeListener) {
    this.#ctx = ctx;
    this.#listener = listener;
  }

  /** Begins to listen for notifications, `<domain num>:<distribution>` and perhaps `:content`. */
  start(): void {
    const onPayload = (payload: string) => {
      const [, id, content] = /^\d+:([0-9a-f-]{36})(:content)?$/.exec(payload) ?? [];
      if (id !== undefined) this.#listener.changed(id, content !== undefined);
      this.#wake();
    };
    this.#ctx.notifier.listen("deckle_distribution", onPayload, this.#stop.signal);
  }

  /** Says that something is kept that was read by a snapshot of this `xmin`. */
  depend(xmin: string): void {
    const seen = BigInt(xmin);
    if (this.#since === undefined || seen < this.#since) this.#since = seen;
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#pause();
      if (this.#stop.signal.aborted || this.#listener.isIdle()) break;
      await this.#poll();
    }
    this.#since = undefined;
    this.#told = new Set();
    this.#running = undefined;
  }

  /** Until the next poll is due or a notification has come since the last one began. */
  async #pause(): Promise<void> {
    if (!this.#isDue) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#endPause = resolve;
      const timer = setTimeout(resolve, POLL_MS).unref();
      await promise;
      clearTimeout(timer);
      this.#endPause = undefined;
    }
    this.#isDue = false;
  }

  /** A plain flag: each push notifies, and a signal makes an error with its stack each time. */
  #wake(): void {
    this.#isDue = true;
    this.#endPause?.();
  }

  async #poll(): Promise<void> {
    const since = this.#since;
    if (since === undefined) return;
    try {
      const rows = await this.#ctx.hot.query(EVENTS, [since.toString()]);
      this.#isDown = false;
      this.#take(since, rows);
    } catch (error) {
      if (!this.#isDown) this.#ctx.log.warn(`Changes of distributions cannot be read: ${error}`);
      this.#isDown = true;
    }
  }

  #take(since: bigint, rows: readonly EventRow[]): void {
    const xmin = BigInt(rows[0]?.xmin ?? since);
    const told = new Set<string>();
    for (const { xact, distribution, content_only: isContentOnly } of rows) {
      if (xact === null || distribution === null) continue;
      const key = `${xact} ${distribution} ${isContentOnly}`;
      if (!this.#told.has(key) && !told.has(key))
        this.#listener.changed(distribution, isContentOnly === true);
      told.add(key);
    }
    this.#told = told;
    if (this.#since === since) this.#since = xmin;
  }
}

interface EventRow {
  readonly xmin: string;
  readonly xact: string | null;
  readonly distribution: string | null;
  readonly content_only: boolean | null;
}

const EVENTS: HotStatement<EventRow> = {
  name: "delivery-events",
  text: `
select pg_snapshot_xmin(pg_current_snapshot())::text as xmin, e.xact::text as xact, e.distribution,
  e.content_only
from (select 1) one left join distribution_event e on e.xact >= $1::xid8`,
};

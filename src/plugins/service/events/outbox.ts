import { setTimeout as sleep } from "node:timers/promises";
import { type Ctx, type Plugin, sql } from "#sdk";

type Listener = ReturnType<NonNullable<Plugin["listen"]>>;
type Trx = Parameters<NonNullable<Listener["keepWithin"]>>[0];

/** An event on its way to a sink. */
export interface Outgoing {
  /** The same for every attempt, and for every sink: receivers know by it what they have. */
  readonly id: string;
  readonly name: string;
  /** JSON text. */
  readonly payload: string;
}

/** Why an event was not taken; a final answer is not asked for again. */
export interface Problem {
  readonly why: string;
  readonly isFinal: boolean;
}

/** Where events go. An event may come more than once, and not in order. */
export interface Sink {
  readonly name: "webhook" | "stream";
  /** Longest time that one attempt takes. */
  readonly timeoutMs: number;
  /** @returns undefined if it was taken. */
  send(event: Outgoing, signal: AbortSignal): Promise<Problem | undefined>;
  close(): Promise<void>;
}

export interface OutboxOptions {
  readonly sink: Sink;
  /** An event that nobody takes for so long is given up. */
  readonly keepSeconds: number;
  readonly pollMs: number;
  /** Doubles with each attempt, up to a minute. */
  readonly firstPauseMs: number;
}

const MOST_PAUSE_MS = 60_000;
/** Beyond what an attempt takes, until somebody else may make the next. */
const SLACK_MS = 30_000;
/** When the process ends, what is left is left to others after so long. */
const FAREWELL_MS = 3000;

interface Claimed extends Outgoing {
  readonly attempts: number;
  readonly is_old: boolean;
}

/** Writes events for these sinks, in a transaction or by itself, in one statement. */
export async function writeEvents(
  db: Ctx["db"] | Trx,
  sinks: readonly Sink["name"][],
  events: readonly Outgoing[],
): Promise<void> {
  const rows = JSON.stringify(events);
  await sql`
    insert into service_event (id, sink, name, payload)
    select e.id, s.sink, e.name, e.payload
    from json_to_recordset(${rows}::json) as e (id uuid, name text, payload text),
      unnest(${sinks}::text[]) as s (sink)`.execute(db);
}

/**
 * Sends what is written for a sink, one event after the other, and never in anybody's way. Whoever
 * sends an event puts its time off first, so that others leave it alone, and go on with it if this
 * process dies.
 */
export class Outbox {
  readonly #ctx: Ctx;
  readonly #options: OutboxOptions;
  readonly #ending = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #work: Promise<void> | undefined;
  #hasMore = false;

  constructor(ctx: Ctx, options: OutboxOptions) {
    this.#ctx = ctx;
    this.#options = options;
    // Not all at the same time.
    this.#timer = setInterval(() => this.wake(), options.pollMs * (0.75 + Math.random() / 2));
    this.#timer.unref();
  }

  /** There may be something to send. */
  wake(): void {
    if (this.#ending.signal.aborted) return;
    this.#hasMore = true;
    this.#work ??= this.#sendAll().finally(() => {
      this.#work = undefined;
    });
  }

  /** Sends what is left as far as it can be sent at once, within seconds. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    const late = new AbortController();
    const farewell = sleep(FAREWELL_MS, undefined, { signal: late.signal }).catch(() => undefined);
    await Promise.race([this.#work, farewell]);
    late.abort();
    this.#ending.abort(new Error("The process ends."));
    await this.#work;
    await this.#options.sink.close();
  }

  async #sendAll(): Promise<void> {
    try {
      while (this.#hasMore && !this.#ending.signal.aborted) {
        this.#hasMore = false;
        while (!this.#ending.signal.aborted && (await this.#sendOne()));
      }
    } catch (error) {
      // Whatever it was, it is tried again with the next event or look.
      this.#warn(`Events were not sent: ${error}`);
    }
  }

  /** False if there is none now. */
  async #sendOne(): Promise<boolean> {
    const event = await this.#claim();
    if (!event) return false;
    const problem = event.is_old
      ? { why: "nobody took it in time", isFinal: true }
      : await this.#options.sink.send(event, this.#ending.signal);
    if (problem === undefined) await this.#remove(event);
    else if (this.#ending.signal.aborted) await this.#putOff(event, 0);
    else if (problem.isFinal) {
      this.#warn(`The event ${event.name} (${event.id}) is given up: ${problem.why}.`);
      await this.#remove(event);
    } else await this.#putOff(event, this.#pauseMs(event));
    return true;
  }

  #pauseMs({ attempts }: Claimed): number {
    const pauseMs = this.#options.firstPauseMs * 2 ** Math.min(attempts - 1, 20);
    // Random, so that many events do not come back at the same time.
    return Math.min(MOST_PAUSE_MS, pauseMs) * (0.5 + Math.random() / 2);
  }

  async #claim(): Promise<Claimed | undefined> {
    const { sink, keepSeconds } = this.#options;
    const { rows } = await sql<Claimed>`
      update service_event set attempts = attempts + 1,
        due = clock_timestamp() + make_interval(secs => ${(sink.timeoutMs + SLACK_MS) / 1000})
      where sink = ${sink.name} and id = (
        select id from service_event where sink = ${sink.name} and due <= clock_timestamp()
        order by due, id limit 1 for update skip locked)
      returning id, name, payload, attempts,
        created < clock_timestamp() - make_interval(secs => ${keepSeconds}) as is_old`.execute(
      this.#ctx.db,
    );
    return rows[0];
  }

  async #remove({ id }: Outgoing): Promise<void> {
    await sql`delete from service_event where sink = ${this.#options.sink.name} and id = ${id}`.execute(
      this.#ctx.db,
    );
  }

  /** Whoever has claimed it since decides. */
  async #putOff({ id, attempts }: Claimed, pauseMs: number): Promise<void> {
    await sql`
      update service_event set due = clock_timestamp() + make_interval(secs => ${pauseMs / 1000})
      where sink = ${this.#options.sink.name} and id = ${id} and attempts = ${attempts}`.execute(
      this.#ctx.db,
    );
    if (pauseMs === 0) return;
    setTimeout(() => this.wake(), pauseMs).unref();
  }

  #warn(message: string): void {
    this.#ctx.log.warn(`Events for the ${this.#options.sink.name}: ${message}`);
  }
}

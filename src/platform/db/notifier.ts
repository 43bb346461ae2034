import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Channel, Notifier } from "./hot.ts";
import { clientConfig, type DatabaseOptions } from "./open.ts";

/** Equal payloads within this time become one NOTIFY. */
const BATCH_MS = 10;
const RECONNECT_MS = 250;

type Listener = (payload: string) => void;

/** One listening connection and one batcher per process; both come back after an outage. */
export class PostgresNotifier implements Notifier, AsyncDisposable {
  readonly #options: DatabaseOptions;
  readonly #pool: pg.Pool;
  readonly #listeners = new Map<Channel, Set<Listener>>();
  readonly #closing = new AbortController();
  #pending = new Map<string, readonly [Channel, string]>();
  #sending: Promise<void> | undefined;
  #client: pg.Client | undefined;
  #connecting: Promise<void> | undefined;

  constructor(options: DatabaseOptions, pool: pg.Pool) {
    this.#options = options;
    this.#pool = pool;
  }

  notify(channel: Channel, payload: string): void {
    this.#pending.set(`${channel} ${payload}`, [channel, payload]);
    this.#sending ??= sleep(BATCH_MS).then(() => this.#send());
  }

  async flush(): Promise<void> {
    await this.#send();
    await this.#sending;
  }

  listen(channel: Channel, onPayload: Listener, signal: AbortSignal): void {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(onPayload));
    signal.addEventListener("abort", () => listeners.delete(onPayload), { once: true });
    if (this.#client) void this.#client.query(`listen ${channel}`).catch(() => this.#lost());
    else this.#connect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.flush();
    await this.#connecting?.catch(() => undefined);
    await this.#client?.end().catch(() => undefined);
  }

  /** A notification that cannot be sent is lost: every listener also polls. */
  async #send(): Promise<void> {
    const batch = [...this.#pending.values()];
    this.#pending = new Map();
    this.#sending = undefined;
    if (batch.length === 0) return;
    const channels = batch.map(([channel]) => channel);
    const payloads = batch.map(([, payload]) => payload);
    const text = "select pg_notify(c, p) from unnest($1::text[], $2::text[]) as u (c, p)";
    await this.#pool
      .query({ name: "notify", text, values: [channels, payloads] })
      .catch((error) => this.#options.onError?.(error));
  }

  #connect(): void {
    this.#connecting ??= this.#connectForEver().finally(() => {
      this.#connecting = undefined;
    });
  }

  async #connectForEver(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      const client = new pg.Client(clientConfig(this.#options));
      client.on("error", () => this.#lost());
      client.on("end", () => this.#lost());
      client.on("notification", ({ channel, payload }) => this.#deliver(channel, payload ?? ""));
      try {
        await client.connect();
        for (const channel of this.#listeners.keys()) await client.query(`listen ${channel}`);
        this.#client = client;
        return;
      } catch (error) {
        this.#options.onError?.(error as Error);
        await client.end().catch(() => undefined);
        await sleep(RECONNECT_MS, undefined, { signal: this.#closing.signal }).catch(
          () => undefined,
        );
      }
    }
  }

  #lost(): void {
    this.#client = undefined;
    if (!this.#closing.signal.aborted) this.#connect();
  }

  #deliver(channel: string, payload: string): void {
    for (const listener of this.#listeners.get(channel as Channel) ?? []) listener(payload);
  }
}

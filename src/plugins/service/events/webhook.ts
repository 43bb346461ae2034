import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx } from "#sdk";
import { eventBody, type ShownEvent } from "./rules.ts";

export interface WebhookOptions {
  readonly url: string;
  /** Signs what is sent; empty signs nothing. */
  readonly secret: string;
  /** Of one attempt. */
  readonly timeoutMs: number;
  /** Events that wait; of more, the newest are lost. */
  readonly mostWaiting: number;
  readonly attempts: number;
  /** Doubles with each attempt. */
  readonly firstPauseMs: number;
}

const MOST_PAUSE_MS = 60_000;
/** When the process ends, what is left has so long. */
const FAREWELL_MS = 3000;

interface Waiting {
  readonly id: string;
  readonly name: string;
  readonly payload: string;
}

/**
 * Sends events to an address, one after the other and never in anybody's way. It is told of events that
 * have happened, so what is lost, with the process or because the address takes nothing, changes
 * nothing; lines of the log are written in any case.
 */
export class Webhook {
  readonly #ctx: Ctx;
  readonly #options: WebhookOptions;
  readonly #waiting: Waiting[] = [];
  readonly #ending = new AbortController();
  #client: ReturnType<Ctx["http"]["client"]> | undefined;
  #work: Promise<void> | undefined;
  #isFull = false;

  constructor(ctx: Ctx, options: WebhookOptions) {
    this.#ctx = ctx;
    this.#options = options;
  }

  /** Takes an event, unless too many wait. */
  tell(event: ShownEvent): void {
    const { mostWaiting } = this.#options;
    if (this.#ending.signal.aborted) return;
    if (this.#waiting.length >= mostWaiting) {
      if (!this.#isFull) this.#warn(`${mostWaiting} events wait; those that come now are lost.`);
      this.#isFull = true;
      return;
    }
    const id = uuid7();
    const time = new Date(this.#ctx.clock.now()).toISOString();
    const payload = JSON.stringify(eventBody(event, { id, time }));
    this.#waiting.push({ id, name: event.name, payload });
    this.#work ??= this.#sendAll().finally(() => {
      this.#work = undefined;
    });
  }

  /** Sends what is left as far as it can be sent at once, within seconds. */
  async close(): Promise<void> {
    const late = new AbortController();
    const farewell = sleep(FAREWELL_MS, undefined, { signal: late.signal }).catch(() => undefined);
    await Promise.race([this.#work, farewell]);
    late.abort();
    this.#ending.abort(new Error("The process ends."));
    await this.#work;
    if (this.#waiting.length > 0) this.#warn(`${this.#waiting.length} events are lost.`);
    await this.#client?.[Symbol.asyncDispose]();
  }

  async #sendAll(): Promise<void> {
    for (;;) {
      const next = this.#waiting[0];
      if (!next || this.#ending.signal.aborted) return;
      await this.#deliver(next);
      if (this.#ending.signal.aborted) return;
      this.#waiting.shift();
      this.#isFull = false;
    }
  }

  async #deliver(event: Waiting): Promise<void> {
    const { attempts, firstPauseMs } = this.#options;
    for (let attempt = 1; !this.#ending.signal.aborted; attempt += 1) {
      const problem = await this.#attempt(event);
      if (problem === undefined) return;
      if (problem.isFinal || attempt >= attempts) {
        this.#warn(`The event ${event.name} (${event.id}) was not taken: ${problem.why}.`);
        return;
      }
      const pauseMs = Math.min(MOST_PAUSE_MS, firstPauseMs * 2 ** (attempt - 1));
      // Random, so that many processes do not come back at the same time.
      await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, {
        signal: this.#ending.signal,
      }).catch(() => undefined);
    }
  }

  async #attempt(
    event: Waiting,
  ): Promise<{ readonly why: string; readonly isFinal: boolean } | undefined> {
    try {
      const { status, body } = await this.#open().get(this.#options.url, {
        method: "POST",
        headers: this.#headers(event),
        json: event.payload,
        signal: this.#ending.signal,
      });
      // What is answered beyond the status is nobody's business.
      body.on("error", () => undefined).destroy();
      if (status >= 200 && status < 300) return undefined;
      const isFinal = status < 500 && status !== 408 && status !== 429;
      return { why: `it was answered with ${status}`, isFinal };
    } catch (error) {
      return { why: error instanceof Error ? error.message : String(error), isFinal: false };
    }
  }

  /** The signature is that of the time, a dot and the body, so that nobody sends it again later. */
  #headers({ id, name, payload }: Waiting): Readonly<Record<string, string>> {
    const { secret } = this.#options;
    const timestamp = String(Math.floor(this.#ctx.clock.now() / 1000));
    const signed = () =>
      createHmac("sha256", secret).update(`${timestamp}.${payload}`).digest("hex");
    return {
      "content-type": "application/json",
      "x-pulp-event": name,
      "x-pulp-delivery": id,
      "x-pulp-timestamp": timestamp,
      ...(secret === "" ? {} : { "x-pulp-signature": `sha256=${signed()}` }),
    };
  }

  #open() {
    const { url, timeoutMs } = this.#options;
    this.#client ??= this.#ctx.http.client({
      origin: new URL(url).origin,
      tlsValidation: true,
      headers: [],
      totalTimeoutMs: timeoutMs,
      connectTimeoutMs: timeoutMs,
      readTimeoutMs: timeoutMs,
      concurrency: 1,
    });
    return this.#client;
  }

  #warn(message: string): void {
    this.#ctx.log.warn(`Webhook: ${message}`);
  }
}

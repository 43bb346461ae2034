import { createHmac } from "node:crypto";
import type { Ctx } from "#sdk";
import type { Outgoing, Problem, Sink } from "./outbox.ts";

export interface WebhookOptions {
  readonly url: string;
  /** Signs what is sent; empty signs nothing. */
  readonly secret: string;
  /** Of one attempt. */
  readonly timeoutMs: number;
}

/** An address that events are posted to (service §12.4). */
export class Webhook implements Sink {
  readonly name = "webhook";
  readonly #ctx: Ctx;
  readonly #options: WebhookOptions;
  #client: ReturnType<Ctx["http"]["client"]> | undefined;

  constructor(ctx: Ctx, options: WebhookOptions) {
    this.#ctx = ctx;
    this.#options = options;
  }

  get timeoutMs(): number {
    return this.#options.timeoutMs;
  }

  async send(event: Outgoing, signal: AbortSignal): Promise<Problem | undefined> {
    try {
      const { status, body } = await this.#open().get(this.#options.url, {
        method: "POST",
        headers: this.#headers(event),
        json: event.payload,
        signal,
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

  async close(): Promise<void> {
    await this.#client?.[Symbol.asyncDispose]();
  }

  /** The signature is that of the time, a dot and the body, so that nobody sends it again later. */
  #headers({ id, name, payload }: Outgoing): Readonly<Record<string, string>> {
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
}

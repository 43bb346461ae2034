import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { CodedError } from "#base/errors.ts";
import type { Json } from "#base/json.ts";
import { type Attempt, retried } from "#base/retry.ts";
import { Turnstile } from "#base/turnstile.ts";
import type { HttpClient, HttpResponse } from "#platform/http/http.ts";
import type { Ctx } from "../ctx.ts";
import { vulnerabilityErrors } from "./errors.ts";

export interface JsonServiceOptions {
  /** Base address: `https://api.osv.dev`, with or without a slash at its end. */
  readonly url: string;
  /** Requests at the same time. */
  readonly concurrency: number;
  /** Of one request, from its start to the last byte of the answer. */
  readonly timeoutMs: number;
  /** Bytes of an answer; a larger one counts as malformed. */
  readonly mostBytes: number;
  readonly signal: AbortSignal;
}

export interface JsonQuestion {
  /** Below the base address, without a slash in front. */
  readonly path: string;
  /** Makes it a POST. */
  readonly body?: Json;
}

/** Answers that are in memory at the same time, whatever the number of requests. */
const BODIES = 4;
const ATTEMPTS = 5;
const PAUSE_MS = 500;
const MOST_PAUSE_MS = 30_000;

/** A service that answers with JSON. What may pass is tried again: 429, 5xx and lost connections. */
export class JsonService implements AsyncDisposable {
  readonly #options: JsonServiceOptions;
  readonly #client: HttpClient;
  readonly #bodies = new Turnstile(BODIES);

  constructor({ http }: Pick<Ctx, "http">, options: JsonServiceOptions) {
    this.#options = options;
    this.#client = http.client({
      origin: new URL(options.url).origin,
      tlsValidation: true,
      headers: [["content-type", "application/json"]],
      totalTimeoutMs: options.timeoutMs,
      connectTimeoutMs: options.timeoutMs,
      readTimeoutMs: options.timeoutMs,
      concurrency: options.concurrency,
    });
  }

  /**
   * @returns undefined where there is nothing (404).
   * @throws `vulnerabilityErrors.unavailable`, `vulnerabilityErrors.malformed`
   */
  ask(question: JsonQuestion): Promise<Json | undefined> {
    const { signal } = this.#options;
    return retried(() => this.#attempt(question), {
      ...{ attempts: ATTEMPTS, pauseMs: PAUSE_MS, mostPauseMs: MOST_PAUSE_MS },
      wait: (ms) => sleep(ms * (0.5 + Math.random() / 2), undefined, { signal }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }

  async #attempt({ path, body }: JsonQuestion): Promise<Attempt<Json | undefined>> {
    const { url: base, signal } = this.#options;
    const url = `${base.replace(/\/$/, "")}/${path}`;
    const post = body === undefined ? {} : { method: "POST" as const, json: JSON.stringify(body) };
    try {
      const response = await this.#client.get(url, { signal, ...post });
      return await this.#judge(url, response);
    } catch (error) {
      signal.throwIfAborted();
      if (!isPassing(error)) throw error;
      return { kind: "again", error: vulnerabilityErrors.unavailable(url, error.message) };
    }
  }

  async #judge(url: string, response: HttpResponse): Promise<Attempt<Json | undefined>> {
    const { status, body, headers } = response;
    if (status === 200) {
      const text = await this.#bodies.through(() => textOf(url, body, this.#options.mostBytes));
      return { kind: "done", result: parsed(url, text) };
    }
    body.destroy();
    if (status === 404) return { kind: "done", result: undefined };
    const error = vulnerabilityErrors.unavailable(url, `it answered ${status}.`);
    if (status !== 429 && status < 500) throw error;
    const afterS = Number(headers["retry-after"]);
    return { kind: "again", error, ...(afterS > 0 ? { afterMs: afterS * 1000 } : {}) };
  }
}

/** A failure of the connection; what an address may not be stays as it is. */
const isPassing = (error: unknown): error is CodedError =>
  error instanceof CodedError && /^PLP/.test(error.code) && error.code !== "PLP0009";

async function textOf(url: string, body: Readable, most: number): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > most) throw vulnerabilityErrors.malformed(url, `it has more than ${most} bytes.`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function parsed(url: string, text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw vulnerabilityErrors.malformed(url, "it is no JSON.");
  }
}

import { getCACertificates } from "node:tls";
import { type Dispatcher, EnvHttpProxyAgent, request } from "undici";
import { operatorErrors } from "../errors.ts";
import type { Connection } from "./connection.ts";

/** More is no answer to a tool. */
const MOST_ANSWER_BYTES = 256 * 2 ** 20;

export interface TransportOptions {
  /** At most so many at a time. */
  readonly connections?: number;
  /** False: a new connection for each request. */
  readonly keepsAlive?: boolean;
  /** Hears of every answer. */
  readonly onAnswer?: ((request: string, status: number, ms: number) => void) | undefined;
}

export interface Answer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
  readonly text: string;
}

export interface Sending {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Of all of it. */
  readonly timeoutMs: number;
  /** Whether it goes to the server that the client certificate is meant for. */
  readonly isOurs: boolean;
}

/** Connections to a server, and, without the client certificate, to others. */
export class Transport implements AsyncDisposable {
  readonly #signal: AbortSignal;
  readonly #options: TransportOptions;
  readonly #ours: Dispatcher;
  readonly #others: Dispatcher;

  constructor({ tls, verifiesTls }: Connection, signal: AbortSignal, options: TransportOptions) {
    const { cert, key, ca } = tls;
    const trust = { ca: authorities(ca), rejectUnauthorized: verifiesTls };
    this.#signal = signal;
    this.#options = options;
    this.#ours = dispatcher({ ...trust, ...(cert ? { cert, key } : {}) }, options);
    this.#others = dispatcher(trust, options);
  }

  /**
   * One request; every status resolves, and redirects are answers.
   *
   * @throws `operatorErrors.unreachable`, or the reason of the signal
   */
  async send(url: URL, { timeoutMs, isOurs, ...sending }: Sending): Promise<Answer> {
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(timeoutMs)]);
    const start = performance.now();
    try {
      const { statusCode, headers, body } = await request(url, {
        ...sending,
        method: sending.method as Dispatcher.HttpMethod,
        ...{ signal, dispatcher: isOurs ? this.#ours : this.#others },
      });
      const bytes = await bytesWithin(body, MOST_ANSWER_BYTES);
      const tookMs = performance.now() - start;
      this.#options.onAnswer?.(`${sending.method} ${url.href}`, statusCode, tookMs);
      return { status: statusCode, headers, bytes, text: bytes.toString("utf8") };
    } catch (error) {
      this.#signal.throwIfAborted();
      throw operatorErrors.unreachable(url.origin + url.pathname, whyUnreachable(error));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#ours.destroy(), this.#others.destroy()]);
  }
}

/** Those of the runtime and of the system, and one more. */
const authorities = (own: string | undefined): string[] => [
  ...new Set([...getCACertificates("default"), ...getCACertificates("system")]),
  ...(own === undefined ? [] : [own]),
];

/** Proxies are those of `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`. */
const dispatcher = (
  connect: object,
  { connections = 50, keepsAlive = true }: TransportOptions,
): Dispatcher =>
  new EnvHttpProxyAgent({
    ...{ connections, connect, requestTls: connect },
    // There is one limit for the whole request.
    ...{ headersTimeout: 0, bodyTimeout: 0 },
    ...(keepsAlive ? {} : { pipelining: 0 }),
  });

async function bytesWithin(body: AsyncIterable<Uint8Array>, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw new Error(`the answer is longer than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What a person needs to know about a request that got no answer. */
function whyUnreachable(error: unknown): string {
  const { name, code, message } = error as Error & { readonly code?: string };
  return name === "TimeoutError" ? "there was no answer in time" : message || code || name;
}

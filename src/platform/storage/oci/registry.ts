import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, type Dispatcher, request } from "undici";
import type { OciOptions } from "./options.ts";
import { type Access, Tokens } from "./tokens.ts";

const CONNECT_MS = 5000;
/** Without a byte in either direction. */
const SILENCE_MS = 30_000;
const MAX_SOCKETS = 64;
/** Tries of one request, with growing pauses: a registry that asks to slow down is met with patience. */
const TRIES = 6;
const FIRST_PAUSE_MS = 200;
const PASSING = new Set([429, 500, 502, 503, 504]);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MOST_REDIRECTS = 5;
/** Of an answer that is kept in memory: a manifest, a token, an error. */
const MOST_TEXT_BYTES = 4 * 1024 * 1024;

/** Read rather than thrown away with the connection. */
const MOST_LEFT_BYTES = 16 * 1024;

export interface OciRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** Below `/v2/<repository>/`, or a whole address that the registry gave. */
  readonly path: string | URL;
  readonly access: Access;
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for each try. */
  readonly body?: () => Buffer | Readable;
  readonly signal?: AbortSignal;
  /** The answer of the last place that it leads to; only for reading. */
  readonly follows?: boolean;
  /** Something was begun that cannot be done twice. */
  readonly isOnce?: boolean;
}

export interface OciAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The caller consumes or destroys it. */
  readonly body: Dispatcher.ResponseData["body"];
  readonly url: URL;
}

/** Speaks the protocol of OCI registries with one repository (OCI distribution-spec v1.1). */
export class Registry {
  readonly #options: OciOptions;
  readonly #tokens: Tokens;
  readonly #agent = new Agent({
    connections: MAX_SOCKETS,
    connect: { timeout: CONNECT_MS },
    headersTimeout: SILENCE_MS,
    bodyTimeout: SILENCE_MS,
  });

  constructor(options: OciOptions) {
    this.#options = options;
    this.#tokens = new Tokens(options, async (url, authorization) => {
      const plain = { method: "GET", access: "pull", headers: { authorization } } as const;
      const answer = await this.#patiently({ ...plain, path: new URL(url) }, authorization);
      return { status: answer.status, text: (await textOf(answer)).toString() };
    });
  }

  /** Every status resolves; those that pass are waited for first. */
  async send(wanted: OciRequest): Promise<OciAnswer> {
    const answer = await this.#patiently(wanted, await this.#tokens.header(wanted.access));
    if (answer.status !== 401) return answer;
    drop(answer);
    this.#tokens.forget(wanted.access);
    return this.#patiently(wanted, await this.#tokens.header(wanted.access));
  }

  /** The same with the whole body. */
  async sendForText(wanted: OciRequest): Promise<OciAnswer & { readonly text: Buffer }> {
    const answer = await this.send(wanted);
    return { ...answer, text: await textOf(answer) };
  }

  async #patiently(wanted: OciRequest, authorization: string): Promise<OciAnswer> {
    const tries = wanted.isOnce ? 1 : TRIES;
    for (let pause = FIRST_PAUSE_MS, left = tries - 1; ; pause *= 2, left -= 1) {
      try {
        const answer = await this.#arrive(wanted, authorization);
        if (!PASSING.has(answer.status) || left === 0) return answer;
        drop(answer);
      } catch (error) {
        if (left === 0 || wanted.signal?.aborted) throw error;
      }
      await sleep(pause, undefined, wanted.signal && { signal: wanted.signal });
    }
  }

  /** Where it leads, tokens are left behind: other places sign their addresses. */
  async #arrive(wanted: OciRequest, authorization: string): Promise<OciAnswer> {
    let url = this.#address(wanted.path);
    for (let left = MOST_REDIRECTS; ; left -= 1) {
      const isHome = url.origin === this.#options.origin;
      const answer = await this.#once(url, wanted, isHome ? { authorization } : {});
      const { location } = answer.headers;
      const leads = wanted.follows && REDIRECTS.has(answer.status);
      if (!leads || left === 0 || typeof location !== "string") return answer;
      drop(answer);
      url = new URL(location, url);
    }
  }

  async #once(url: URL, wanted: OciRequest, own: Record<string, string>): Promise<OciAnswer> {
    const { method, headers, body, signal } = wanted;
    const answer = await request(url, {
      method,
      dispatcher: this.#agent,
      headers: { ...own, ...headers },
      ...(body === undefined ? {} : { body: body() }),
      ...(signal === undefined ? {} : { signal }),
    });
    return { status: answer.statusCode, headers: answer.headers, body: answer.body, url };
  }

  #address = (path: string | URL): URL =>
    path instanceof URL
      ? path
      : new URL(`/v2/${this.#options.repository}/${path}`, this.#options.origin);
}

/** Gives up the rest of an answer; its connection goes on if little is left. */
export function drop({ body }: Pick<OciAnswer, "body">): void {
  // Nobody reads it, so nobody else hears of it.
  body.on("error", () => undefined);
  body.dump({ limit: MOST_LEFT_BYTES }).catch(() => undefined);
}

async function textOf({ body }: OciAnswer): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of body as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > MOST_TEXT_BYTES) throw new RangeError("the answer is too long");
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Json, JsonObject } from "#base/json.ts";
import { operatorErrors } from "../errors.ts";
import type { Connection } from "./connection.ts";
import { type TokenEndpoint, TokenSource } from "./oauth2.ts";
import { tokenEndpoint } from "./token-endpoint.ts";
import { type Answer, Transport, type TransportOptions } from "./transport.ts";

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MOST_HOPS = 5;
const SHOWN_ERROR = 500;
const MOST_POLL_MS = 2000;

export interface Ask {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE" | "HEAD";
  readonly query?: Readonly<Record<string, string | number>>;
  readonly json?: Json;
  readonly headers?: Readonly<Record<string, string>>;
  /** That of the connection without it. */
  readonly timeoutMs?: number;
}

/** What a task ended in. */
export interface FinalTask extends JsonObject {
  readonly pulp_href: string;
  readonly name: string;
  readonly state: string;
}

const FINAL = new Set(["completed", "failed", "canceled", "skipped"]);

/** Speaks to one server. Credentials go to its host and to nobody else; redirects are not followed. */
export class ServerClient implements AsyncDisposable {
  readonly connection: Connection;
  readonly signal: AbortSignal;
  readonly #transport: Transport;
  readonly #tokens: TokenSource | undefined;

  constructor(connection: Connection, signal: AbortSignal, options: TransportOptions = {}) {
    this.connection = connection;
    this.signal = signal;
    this.#transport = new Transport(connection, signal, options);
    const { oauth2 } = connection;
    this.#tokens =
      oauth2 &&
      new TokenSource(oauth2, {
        post: (url, form, headers) => this.#postForm(url, form, headers),
        discover: () => this.#discover(),
      });
  }

  /** Address of a resource in a domain: `api/v3/<path>` below the root of the API. */
  inDomain(domain: string, path: string): string {
    return `${this.connection.apiRoot}${encodeURIComponent(domain)}/api/v3/${path}`;
  }

  /** A token of the account, undefined where the connection has none. */
  async token(): Promise<string | undefined> {
    return this.#tokens?.token();
  }

  /**
   * Gets any address, redirects included. Credentials and the client certificate go to our server
   * only; other hosts are asked as a stranger.
   */
  async download(url: URL, hops = MOST_HOPS): Promise<Answer> {
    const { origin, timeoutMs } = this.connection;
    const stranger = { method: "GET", headers: {}, timeoutMs, isOurs: false } as const;
    const answer =
      url.origin === origin
        ? await this.ask(url.pathname + url.search)
        : await this.#transport.send(url, stranger);
    const { location } = answer.headers;
    const isRedirect = REDIRECTS.has(answer.status) && typeof location === "string";
    return isRedirect && hops > 0 ? this.download(new URL(location, url), hops - 1) : answer;
  }

  /** One request for a rooted path; every status resolves. A refused token is renewed once. */
  async ask(path: string, ask: Ask = {}): Promise<Answer> {
    const token = await this.#tokens?.token();
    const answer = await this.#askAs(path, ask, token);
    if (answer.status !== 401 || token === undefined) return answer;
    await this.#tokens?.forget(token);
    return this.#askAs(path, ask, await this.#tokens?.token());
  }

  /**
   * Like `ask`, and reads the JSON of an answer below 400; null for an empty one.
   *
   * @throws `operatorErrors.answer` or `operatorErrors.nonsense`
   */
  async json(path: string, ask: Ask = {}): Promise<Json> {
    const answer = await this.ask(path, ask);
    if (answer.status >= 400) throw refusal(path, ask, answer);
    if (answer.text === "") return null;
    try {
      return JSON.parse(answer.text) as Json;
    } catch {
      throw operatorErrors.nonsense(this.#shown(path), "it is not JSON");
    }
  }

  /** @throws like `json`, and `operatorErrors.nonsense` if it is no object */
  async object(path: string, ask: Ask = {}): Promise<JsonObject> {
    const value = await this.json(path, ask);
    if (isObject(value)) return value;
    throw operatorErrors.nonsense(this.#shown(path), "it is not an object");
  }

  /** One page of a list: its items, and the path of the next one. */
  async page(
    path: string,
    query: Ask["query"] = {},
  ): Promise<{
    readonly items: readonly JsonObject[];
    readonly count: number;
    readonly next?: string;
  }> {
    const { results, count, next } = await this.object(path, { query });
    if (!Array.isArray(results) || !results.every(isObject)) {
      throw operatorErrors.nonsense(this.#shown(path), "it is not a list in pages");
    }
    const items = results as readonly JsonObject[];
    return {
      items,
      count: Number(count ?? items.length),
      ...(typeof next === "string" ? { next: this.#samePath(next) } : {}),
    };
  }

  /**
   * Every item of a list, page by page.
   *
   * @throws `operatorErrors.foreignPage` for a next page on another host
   */
  async *items(path: string, query: Ask["query"] = {}): AsyncGenerator<JsonObject> {
    let page = await this.page(path, query);
    yield* page.items;
    while (page.next !== undefined) {
      page = await this.page(page.next);
      yield* page.items;
    }
  }

  /**
   * Waits until a task is final, whatever it ended in.
   *
   * @throws `operatorErrors.task` when time is over
   */
  async finalTask(href: string, timeoutMs: number): Promise<FinalTask> {
    const end = performance.now() + timeoutMs;
    for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 1.5, MOST_POLL_MS)) {
      const { name, state, ...rest } = await this.object(href);
      const task = { ...rest, pulp_href: href, name: String(name), state: String(state) };
      if (FINAL.has(task.state)) return task;
      if (performance.now() > end) {
        throw operatorErrors.task(
          task.name,
          href,
          `is still ${task.state} after ${timeoutMs / 1000} s`,
        );
      }
      await sleep(pauseMs, undefined, { signal: this.signal });
    }
  }

  /** Waits for the task that an answer names; one without is done already. */
  async done(answer: Json, timeoutMs: number): Promise<FinalTask | undefined> {
    if (!isObject(answer) || typeof answer.task !== "string") return undefined;
    const task = await this.finalTask(answer.task, timeoutMs);
    if (task.state === "completed") return task;
    throw operatorErrors.task(task.name, task.pulp_href, `${task.state}: ${reasonOf(task)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
  }

  #askAs(path: string, ask: Ask, token: string | undefined): Promise<Answer> {
    const { login, headers, timeoutMs } = this.connection;
    const body = ask.json === undefined ? undefined : JSON.stringify(ask.json);
    return this.#transport.send(this.#url(path, ask.query), {
      isOurs: true,
      method: ask.method ?? "GET",
      headers: {
        ...Object.fromEntries(headers),
        ...(login ? { authorization: basic(login.username, login.password) } : {}),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...ask.headers,
      },
      ...(body === undefined ? {} : { body }),
      timeoutMs: ask.timeoutMs ?? timeoutMs,
    });
  }

  #postForm(url: string, form: URLSearchParams, headers: Readonly<Record<string, string>>) {
    return this.#transport.send(new URL(url), {
      method: "POST",
      headers: { ...headers, "content-type": "application/x-www-form-urlencoded" },
      ...{ body: form.toString(), timeoutMs: this.connection.timeoutMs, isOurs: false },
    });
  }

  /** Everybody may read the description, so that it is asked for without a token. */
  async #discover(): Promise<TokenEndpoint> {
    const path = `${this.connection.apiRoot}api/v3/docs/api.json`;
    const answer = await this.#askAs(path, {}, undefined);
    if (answer.status >= 400) throw refusal(path, {}, answer);
    return tokenEndpoint(this.#url(path), answer.text);
  }

  #url(path: string, query: Ask["query"] = {}): URL {
    const url = new URL(path, this.connection.origin);
    if (url.origin !== this.connection.origin) {
      throw operatorErrors.foreignPage(path, new URL(this.connection.origin).host);
    }
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    return url;
  }

  /** Behind a proxy the server may name another scheme; the host must be that which was asked. */
  #samePath(next: string): string {
    const { origin } = this.connection;
    const { host } = new URL(origin);
    const url = URL.canParse(next, origin) ? new URL(next, origin) : undefined;
    if (url?.host !== host) throw operatorErrors.foreignPage(next, host);
    return url.pathname + url.search;
  }

  #shown = (path: string): string => this.connection.origin + path;
}

const basic = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What the server said, short enough for a line. */
export function refusal(path: string, { method = "GET" }: Ask, { status, text }: Answer): Error {
  const said = text.replaceAll(/\s+/g, " ").slice(0, SHOWN_ERROR);
  return operatorErrors.answer(`${method} ${path}`, status, said === "" ? "(nothing)" : said);
}

function reasonOf({ error }: JsonObject): string {
  if (!isObject(error)) return "it does not say why";
  const said = String(error.description ?? JSON.stringify(error));
  return said.slice(0, SHOWN_ERROR).replace(/\.$/, "");
}

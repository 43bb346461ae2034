import { arch, type as osName } from "node:os";
import type { Dispatcher } from "undici";
import undici from "undici/package.json" with { type: "json" };
import { shownUrl } from "#base/shown-url.ts";
import { type AddressPolicy, addressPolicy } from "./address-policy.ts";
import { decodedBody } from "./body.ts";
import { createDispatcher } from "./dispatcher.ts";
import { httpErrors, translate } from "./errors.ts";
import { FileClient, isBelow, realPath, realPaths } from "./file-client.ts";
import { checkUrl } from "./guard.ts";
import { flatHeaders, requestHeaders, retryAfterMs } from "./headers.ts";
import type { Http, HttpClient, HttpOptions, HttpRequest, HttpResponse } from "./http.ts";
import { Limiter } from "./limiter.ts";

const CORE_VERSION = "3.95.0";
const MAX_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Patience with an upstream that is overloaded and says nothing more. */
const DEFAULT_SLOWDOWN_MS = 500;

/**
 * @param deniedNetworks `REMOTE_DENIED_NETWORKS`; throws RangeError if an entry is no network.
 * @param importPaths `ALLOWED_IMPORT_PATHS`, for `file://`.
 * @param version that the `User-Agent` claims: of the core whose clients we serve.
 */
export function createHttp(setup: {
  readonly deniedNetworks: readonly string[];
  readonly importPaths?: readonly string[];
  readonly version?: string;
}): Http {
  const policy = addressPolicy(setup.deniedNetworks);
  const userAgent = `pulpcore/${setup.version ?? CORE_VERSION} (node ${process.versions.node}, ${osName()} ${arch()}) (undici ${undici.version})`;
  const folders = setup.importPaths ?? [];
  return {
    client: (options) =>
      options.origin === "file://"
        ? new FileClient(folders)
        : new UndiciClient(options, policy, userAgent),
    allowsFile: async (path) => isBelow(await realPath(path), await realPaths(folders)),
  };
}

class UndiciClient implements HttpClient {
  readonly #options: HttpOptions;
  readonly #policy: AddressPolicy;
  readonly #userAgent: string;
  readonly #limiter: Limiter;
  #home: Dispatcher | undefined;
  #elsewhere: Dispatcher | undefined;

  constructor(options: HttpOptions, policy: AddressPolicy, userAgent: string) {
    this.#options = options;
    this.#policy = policy;
    this.#userAgent = userAgent;
    this.#limiter = new Limiter(options.concurrency, options.rateLimit);
  }

  async get(url: string, request: HttpRequest = {}): Promise<HttpResponse> {
    const leave = await this.#limiter.enter(request.signal);
    const deadline = startDeadline(this.#options.totalTimeoutMs, url, request.signal);
    const finish = () => {
      deadline.end();
      leave();
    };
    try {
      const response = await this.#follow(url, request, deadline.signal);
      response.body.once("close", finish);
      return response;
    } catch (error) {
      finish();
      throw translate(error, url, this.#options.proxy?.url);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#home?.destroy(), this.#elsewhere?.destroy()]);
  }

  async #follow(text: string, request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    let url = parseUrl(text);
    const asked = url.origin;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      checkUrl(url, this.#policy);
      const answer = await this.#send(url, request, { asked: url.origin === asked, signal });
      const location = request.method === "POST" ? undefined : answer.headers.location;
      if (!REDIRECTS.has(answer.statusCode) || typeof location !== "string")
        return this.#response(answer, url, request.method === "HEAD");
      await answer.body.dump({ limit: 65_536, signal });
      url = parseUrl(location, url);
    }
    throw httpErrors.redirects(shownUrl(text));
  }

  #send(url: URL, request: HttpRequest, how: { asked: boolean; signal: AbortSignal }) {
    const home = url.origin === this.#options.origin;
    const where = { home, asked: how.asked, userAgent: this.#userAgent };
    const { json } = request;
    return this.#dispatcher(home).request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: request.method ?? "GET",
      headers: requestHeaders(this.#options, request, where),
      ...(json === undefined ? {} : { body: json }),
      signal: how.signal,
      highWaterMark: 256 * 1024,
    });
  }

  #dispatcher(home: boolean): Dispatcher {
    if (home) {
      this.#home ??= createDispatcher(this.#options, this.#policy, true);
      return this.#home;
    }
    this.#elsewhere ??= createDispatcher(this.#options, this.#policy, false);
    return this.#elsewhere;
  }

  #response(answer: Dispatcher.ResponseData, url: URL, headOnly: boolean): HttpResponse {
    const headers = flatHeaders(answer.headers);
    const empty = headOnly || answer.statusCode === 204 || answer.statusCode === 304;
    const encoding = empty ? undefined : headers["content-encoding"];
    this.#judge(answer.statusCode, headers["retry-after"]);
    return {
      status: answer.statusCode,
      reason: answer.statusText,
      headers,
      url: url.href,
      body: decodedBody(answer.body, encoding, url.href),
    };
  }

  #judge(status: number, retryAfter: string | undefined): void {
    const overloaded = status === 429 || status === 503;
    if (!overloaded) this.#limiter.recover();
    else this.#limiter.slowDown(retryAfterMs(retryAfter, Date.now()) ?? DEFAULT_SLOWDOWN_MS);
  }
}

/** An absolute http(s) address without the credentials and the fragment it may carry. */
function parseUrl(text: string, base?: URL): URL {
  if (!URL.canParse(text, base?.href)) throw httpErrors.scheme(shownUrl(text));
  const url = new URL(text, base);
  url.username = "";
  url.password = "";
  url.hash = "";
  return url;
}

/** One signal for the caller's abort and for the total time; `end` releases both. */
function startDeadline(totalMs: number, url: string, outer?: AbortSignal) {
  const inner = new AbortController();
  const forward = () => inner.abort(outer?.reason);
  if (outer?.aborted) forward();
  outer?.addEventListener("abort", forward, { once: true });
  const late = () => inner.abort(httpErrors.timeout(shownUrl(url)));
  const timer = totalMs > 0 ? setTimeout(late, totalMs) : undefined;
  return {
    signal: inner.signal,
    end: () => {
      clearTimeout(timer);
      outer?.removeEventListener("abort", forward);
    },
  };
}

import { objectName } from "#core/artifacts/queries.ts";
import type { SavedArtifact } from "#core/artifacts/types.ts";
import type { Ctx } from "#core/ctx.ts";
import { wantsJson } from "./accept.ts";
import {
  type Answer,
  errorReply,
  listingAnswer,
  redirectAnswer,
  replyAnswer,
  storedAnswer,
} from "./answer.ts";
import { ChangeFeed } from "./change-feed.ts";
import type {
  ContentHandler,
  ContentRequest,
  FromUpstream,
  GuardHandler,
  Match,
  Resolution,
  Stored,
} from "./contract.ts";
import { Downloads } from "./downloads.ts";
import { deliveryErrors, type ErrorAnswer, errorAnswer, isUnavailable } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { distributionsListing } from "./listing.ts";
import { matchDistribution } from "./match.ts";
import { OpenFiles } from "./open-files.ts";
import { type Guards, refusal } from "./permit.ts";
import { contentRoot, parseRequestPath, type RequestPath } from "./request-path.ts";
import { resolve } from "./resolve.ts";
import { type CachedAnswer, ResponseCache } from "./response-cache.ts";
import { reset, send } from "./send.ts";
import { sendUpstream } from "./send-upstream.ts";
import { sourcesOf } from "./source.ts";
import { type OpenUpstream, Upstreams } from "./upstream.ts";

/** Descriptors that are kept open for files that do not fit in memory. */
const OPEN_FILES = 256;

export interface DeliveryOptions {
  readonly handlers: readonly ContentHandler[];
  readonly guards: readonly GuardHandler[];
  readonly openUpstream: OpenUpstream;
}

/** One request on its way: where it points, and how its answer is kept. */
interface Visit {
  readonly exchange: Exchange;
  readonly key: string;
  readonly isJson: boolean;
  /** Of the cache when the request began. */
  readonly generation: number;
}

/** Match → permit → resolve → send, with a cache of finished answers before all but the guard. */
export class Delivery {
  readonly #ctx: Ctx;
  readonly #handlers: ReadonlyMap<string, ContentHandler>;
  readonly #guards: Guards;
  readonly #publicationTypes: readonly string[];
  readonly #cache: ResponseCache;
  readonly #feed: ChangeFeed;
  readonly #files = new OpenFiles(OPEN_FILES);
  readonly #upstreams: Upstreams;
  readonly #downloads: Downloads;
  readonly #marks: boolean;

  constructor(ctx: Ctx, { handlers, guards, openUpstream }: DeliveryOptions) {
    const { RESPONSE_CACHE_BYTES, CACHE_ENABLED, CACHE_SETTINGS } = ctx.settings;
    const ttlS = CACHE_SETTINGS.EXPIRES_TTL;
    this.#ctx = ctx;
    this.#handlers = new Map(handlers.map((handler) => [handler.type, handler]));
    this.#guards = new Map(guards.map((guard) => [guard.type, guard]));
    this.#publicationTypes = ctx.plugins.all.flatMap(({ repositoryTypes }) =>
      repositoryTypes
        .filter(({ servesPublications }) => servesPublications)
        .map(({ type }) => type),
    );
    this.#cache = new ResponseCache({
      budgetBytes: RESPONSE_CACHE_BYTES,
      ttlMs: ttlS === null ? null : ttlS * 1000,
      now: () => ctx.clock.now(),
    });
    this.#marks = CACHE_ENABLED;
    this.#feed = new ChangeFeed(ctx, {
      changed: (distribution) => this.#cache.invalidate(distribution),
      isIdle: () => {
        this.#cache.sweep();
        return this.#cache.isEmpty;
      },
    });
    this.#upstreams = new Upstreams(ctx, openUpstream);
    this.#downloads = new Downloads(ctx, this.#upstreams);
  }

  start(): void {
    this.#feed.start();
  }

  async close(signal: AbortSignal): Promise<void> {
    await this.#feed.stop();
    await this.#downloads.drain(signal);
    await this.#upstreams[Symbol.asyncDispose]();
    await this.#files[Symbol.asyncDispose]();
  }

  /** Answers a request; no promise where the answer was at hand. */
  serve(exchange: Exchange): undefined | Promise<void> {
    const { method } = exchange.request;
    if (method !== "GET" && method !== "HEAD") return this.refuse(exchange, errorAnswer(405));
    const isJson = wantsJson(exchange.request.headers.accept);
    const key = isJson ? `${exchange.rawPath}\n${exchange.query ?? ""}` : exchange.rawPath;
    const cached = this.#cache.get(key);
    if (cached && (cached.answer.method ?? method) === method)
      return this.#serveCached(exchange, cached);
    return this.#serveFresh({ exchange, key, isJson, generation: this.#cache.generation });
  }

  refuse(exchange: Exchange, answer: ErrorAnswer): undefined | Promise<void> {
    return this.#send(exchange, errorReply(answer));
  }

  /** The end of a request that went wrong. */
  fail(exchange: Exchange, error: unknown): void {
    const { response, request } = exchange;
    if (request.socket.destroyed) return;
    const isDown = isUnavailable(error);
    const log = this.#ctx.log.of(exchange.correlationId);
    const text = error instanceof Error ? (isDown ? error.message : error.stack) : error;
    log.error(`${request.method} ${exchange.rawPath} failed: ${text}`);
    if (!isDown) this.#ctx.metrics.count("deckle_errors_total", { place: "content" });
    if (response.headersSent) reset(response);
    else void this.refuse(exchange, errorAnswer(isDown ? 503 : 500));
  }

  #send(exchange: Exchange, answer: Answer, mark?: "HIT" | "MISS"): undefined | Promise<void> {
    return send({ ctx: this.#ctx, files: this.#files }, exchange, { answer, mark });
  }

  #serveCached(exchange: Exchange, { match, answer }: CachedAnswer): undefined | Promise<void> {
    const mark = this.#marks && answer.status < 400 ? "HIT" : undefined;
    const refused = match && this.#refusal(exchange, match);
    if (!refused) return this.#sendKept(exchange, answer, mark);
    return refused.then((reason) =>
      reason === undefined
        ? this.#sendKept(exchange, answer, mark)
        : this.refuse(exchange, errorAnswer(403, reason)),
    );
  }

  /** A kept answer whose file has gone meanwhile is made anew. */
  #sendKept(exchange: Exchange, answer: Answer, mark?: "HIT"): undefined | Promise<void> {
    if (answer.body.kind !== "file") return this.#send(exchange, answer, mark);
    return this.#send(exchange, answer, mark)?.catch((error) => {
      if (!isDamaged(error) || exchange.response.headersSent) throw error;
      const isJson = wantsJson(exchange.request.headers.accept);
      const visit = { exchange, key: exchange.rawPath, isJson, generation: -1 };
      return this.#serveFresh(visit);
    });
  }

  #refusal(exchange: Exchange, match: Match) {
    return refusal(this.#ctx, this.#guards, {
      match,
      request: () => ({
        domain: match.domain,
        method: exchange.request.method ?? "",
        url: exchange.request.url ?? "",
        headers: exchange.request.headers,
      }),
    });
  }

  async #serveFresh(visit: Visit): Promise<void> {
    const { exchange } = visit;
    const { CONTENT_PATH_PREFIX: prefix, DOMAIN_ENABLED: hasDomains } = this.#ctx.settings;
    const place = parseRequestPath(exchange.rawPath, { prefix, hasDomains });
    if (place === "malformed") return this.refuse(exchange, errorAnswer(400));
    if (place === undefined) return this.refuse(exchange, errorAnswer(404));
    const matched = await matchDistribution(this.#ctx, {
      domain: place.domain ?? "default",
      path: place.path,
      publicationTypes: this.#publicationTypes,
    });
    if (matched.kind === "none") return this.#miss(visit, null, errorAnswer(404));
    if (matched.kind === "above") return this.#serveAbove(visit, place, matched.domain);
    const reason = await this.#refusal(exchange, matched.match);
    if (reason !== undefined) return this.refuse(exchange, errorAnswer(403, reason));
    return this.#serveBelow(visit, place, matched.match);
  }

  /** A listing of distributions; it is not kept. */
  async #serveAbove(visit: Visit, place: RequestPath, domain: Match["domain"]): Promise<void> {
    const { exchange, isJson } = visit;
    if (!place.isDirectory) {
      const location = `${place.rawPath}/`;
      return this.#send(exchange, redirectAnswer({ kind: "redirect", status: 301, location }));
    }
    const listing = await distributionsListing(this.#ctx, {
      domain,
      path: place.path,
      root: contentRoot(this.#ctx, domain),
      wantsJson: isJson,
      query: new URLSearchParams(exchange.query),
    });
    return this.#send(exchange, listingAnswer(listing));
  }

  async #serveBelow(visit: Visit, place: RequestPath, match: Match): Promise<void> {
    const { exchange, isJson: asksJson } = visit;
    const request: ContentRequest = {
      match,
      path: place.path.slice(match.distribution.basePath.length + 1),
      isDirectory: place.isDirectory,
      method: exchange.isHead ? "HEAD" : "GET",
      wantsJson: asksJson,
      rawPath: exchange.rawPath,
      query: new URLSearchParams(exchange.query),
      headers: exchange.request.headers,
      correlationId: exchange.correlationId,
    };
    const { type } = match.distribution;
    const handler = this.#handlers.get(type) ?? {
      type,
      servesPublications: this.#publicationTypes.includes(type),
    };
    const resolution = await resolve({ ctx: this.#ctx, request, handler });
    return this.#answer(visit, request, resolution);
  }

  async #answer(visit: Visit, request: ContentRequest, resolution: Resolution): Promise<void> {
    const { exchange } = visit;
    switch (resolution.kind) {
      case "stored":
        return this.#serveStored(visit, request, resolution);
      case "upstream":
        return this.#serveUpstream(visit, request, resolution);
      case "listing":
        return this.#keepAndSend(visit, request.match, listingAnswer(resolution));
      case "reply": {
        const answer = replyAnswer(resolution);
        if (!resolution.isCacheable) return this.#send(exchange, answer);
        return this.#keepAndSend(visit, request.match, answer);
      }
      case "redirect":
        return this.#send(exchange, redirectAnswer(resolution));
      case "missing": {
        const { status = 404, reason } = resolution;
        return this.#miss(visit, request.match, errorAnswer(status, reason));
      }
      default:
        return resolution satisfies never;
    }
  }

  async #serveStored(visit: Visit, request: ContentRequest, stored: Stored): Promise<void> {
    try {
      const answer = await storedAnswer(this.#ctx, this.#files, { stored, request });
      await this.#keepAndSend(visit, request.match, answer);
    } catch (error) {
      if (!isDamaged(error) || visit.exchange.response.headersSent) throw error;
      await this.#replace(visit, request, stored);
    }
  }

  /** A file that the store lost comes from a remote once more, or is a clean error. */
  async #replace(visit: Visit, request: ContentRequest, stored: Stored): Promise<void> {
    const { contentArtifact, artifact } = stored;
    const { domain } = request.match;
    const sha256 = artifact.sha256.toString("hex");
    const object = artifact.file ?? objectName(domain, sha256);
    this.#ctx.log.error(`The stored file ${object} is missing or damaged`);
    const found =
      contentArtifact === null ? [] : await sourcesOf(this.#ctx, request.match, contentArtifact);
    if (found.length === 0) return this.refuse(visit.exchange, errorAnswer(502));
    const sources = found.map((source) => ({
      ...source,
      sizeBytes: artifact.sizeBytes,
      digests: { ...source.digests, sha256 },
    }));
    const { path, at, headers = {} } = stored;
    const upstream = { kind: "upstream" as const, contentArtifact, sources, path, at, headers };
    return this.#serveUpstream(visit, request, upstream);
  }

  #serveUpstream(visit: Visit, request: ContentRequest, upstream: FromUpstream): Promise<void> {
    const onSaved = (artifact: SavedArtifact) =>
      void this.#keepSaved(visit, request, { upstream, artifact });
    const tools = { ctx: this.#ctx, files: this.#files };
    const download = () => this.#downloads.of(request, upstream, onSaved);
    return sendUpstream(tools, visit.exchange, { upstream, download });
  }

  /** The answer that the next request for a downloaded file gets. */
  async #keepSaved(
    visit: Visit,
    request: ContentRequest,
    { upstream, artifact }: { upstream: FromUpstream; artifact: SavedArtifact },
  ): Promise<void> {
    const { contentArtifact, path, at, headers = {} } = upstream;
    const { id, sizeBytes } = artifact;
    const bytes = { id, sizeBytes, sha256: Buffer.from(artifact.sha256, "hex"), file: null };
    const stored = { kind: "stored" as const, artifact: bytes, contentArtifact, path, at, headers };
    try {
      const answer = await storedAnswer(this.#ctx, this.#files, { stored, request });
      this.#keep(visit, request.match, answer);
    } catch (error) {
      this.#ctx.log.warn(`A downloaded file cannot be read back: ${error}`);
    }
  }

  #keepAndSend(visit: Visit, match: Match, answer: Answer): undefined | Promise<void> {
    const isKept = this.#keep(visit, match, answer);
    return this.#send(visit.exchange, answer, isKept && this.#marks ? "MISS" : undefined);
  }

  #keep({ key, generation }: Visit, match: Match, answer: Answer): boolean {
    if (answer.body.kind === "spooled" || answer.method === "HEAD") return false;
    if (answer.weight > this.#cache.largestBytes) return false;
    this.#cache.set(key, { match, answer }, generation);
    if (!this.#cache.isEmpty) this.#feed.depend(match.xmin);
    return true;
  }

  #miss(visit: Visit, match: Match | null, answer: ErrorAnswer): undefined | Promise<void> {
    const reply = errorReply(answer);
    if (answer.status === 404) this.#keepMissing(visit, match, reply);
    return this.#send(visit.exchange, reply);
  }

  #keepMissing({ key, generation }: Visit, match: Match | null, answer: Answer): void {
    this.#cache.setNegative(key, { match, answer }, generation);
    if (match && !this.#cache.isEmpty) this.#feed.depend(match.xmin);
  }
}

const isDamaged = (error: unknown): boolean =>
  deliveryErrors.damaged.is(error) ||
  (error instanceof Error &&
    "code" in error &&
    /^storage-(missing|truncated|unavailable)$/.test(String(error.code)));

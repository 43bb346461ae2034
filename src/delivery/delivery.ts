import { clientAddress, type ProxyTrust, proxyTrust } from "#base/client-address.ts";
import { isOutage } from "#base/outage.ts";
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
import type {
  ContentHandler,
  ContentRequest,
  FromUpstream,
  GuardHandler,
  Match,
  Redirect,
  Resolution,
  SentFile,
  Stored,
} from "./contract.ts";
import { DownloadTally } from "./download-tally.ts";
import { Downloads } from "./downloads.ts";
import { deliveryErrors, type ErrorAnswer, errorAnswer } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { distributionsListing } from "./listing.ts";
import { type Matched, matchDistribution } from "./match.ts";
import { Memory, type Slot } from "./memory.ts";
import { OpenFiles } from "./open-files.ts";
import { type Guards, refusal } from "./permit.ts";
import { contentRoot, parseRequestPath, type RequestPath } from "./request-path.ts";
import { resolve } from "./resolve.ts";
import type { CachedAnswer } from "./response-cache.ts";
import { reset, send } from "./send.ts";
import { sendUpstream } from "./send-upstream.ts";
import { SharedCache } from "./shared-cache.ts";
import { sourcesOf } from "./source.ts";
import { type OpenUpstream, Upstreams } from "./upstream.ts";

/** Descriptors that are kept open for files that do not fit in memory. */
const OPEN_FILES = 256;

export interface DeliveryOptions {
  readonly handlers: readonly ContentHandler[];
  readonly guards: readonly GuardHandler[];
  readonly openUpstream: OpenUpstream;
  /** Hears of each file that was sent. */
  readonly onSent?: ((sent: SentFile) => void) | undefined;
}

const HIT = Object.freeze({ cache: "responses", result: "hit" });
const MISS = Object.freeze({ cache: "responses", result: "miss" });

/** Errors and slashes are kept without saying so (core-content §5.15). */
const isMarked = ({ status }: Answer): boolean => status < 400 && status !== 301;

/** One request on its way: where it points, and how its answer is kept. */
interface Visit extends Slot {
  readonly exchange: Exchange;
  readonly isJson: boolean;
  /** Another process had found it. */
  readonly isShared?: boolean;
}

/** How an answer goes out. */
interface Sent {
  readonly mark?: "HIT" | "MISS" | undefined;
  readonly isFromMemory?: boolean;
}

/** Match → permit → resolve → send, with a cache of finished answers before all but the guard. */
export class Delivery {
  readonly #ctx: Ctx;
  readonly #handlers: ReadonlyMap<string, ContentHandler>;
  readonly #guards: Guards;
  readonly #publicationTypes: readonly string[];
  readonly #unlisted: readonly string[];
  readonly #aliases: readonly string[];
  readonly #memory: Memory;
  readonly #shared: SharedCache;
  readonly #files = new OpenFiles(OPEN_FILES);
  readonly #upstreams: Upstreams;
  readonly #downloads: Downloads;
  readonly #tally: DownloadTally;
  readonly #marks: boolean;
  readonly #trust: ProxyTrust;

  constructor(ctx: Ctx, { handlers, guards, openUpstream, onSent }: DeliveryOptions) {
    this.#ctx = ctx;
    this.#handlers = new Map(handlers.map((handler) => [handler.type, handler]));
    this.#guards = new Map(guards.map((guard) => [guard.type, guard]));
    this.#publicationTypes = ctx.plugins.all.flatMap(({ repositoryTypes }) =>
      repositoryTypes
        .filter(({ servesPublications }) => servesPublications)
        .map(({ type }) => type),
    );
    this.#unlisted = handlers.filter(({ isUnlisted }) => isUnlisted).map(({ type }) => type);
    this.#aliases = handlers.flatMap(({ alias }) => (alias === undefined ? [] : [alias]));
    this.#memory = new Memory(ctx);
    this.#shared = new SharedCache(ctx);
    this.#marks = ctx.settings.CACHE_ENABLED;
    this.#trust = proxyTrust(ctx.settings.TRUSTED_PROXIES);
    this.#upstreams = new Upstreams(ctx, openUpstream);
    this.#downloads = new Downloads(ctx, this.#upstreams);
    this.#tally = new DownloadTally(ctx, onSent);
  }

  start(): void {
    this.#memory.start();
  }

  async close(signal: AbortSignal): Promise<void> {
    await this.#memory.stop();
    await this.#downloads.drain(signal);
    await this.#tally.close();
    await this.#upstreams[Symbol.asyncDispose]();
    await this.#files[Symbol.asyncDispose]();
  }

  /** Answers a request; no promise where the answer was at hand. */
  serve(exchange: Exchange): undefined | Promise<void> {
    const { method } = exchange.request;
    if (method !== "GET" && method !== "HEAD") return this.refuse(exchange, errorAnswer(405));
    const isJson = wantsJson(exchange.request.headers.accept);
    const key =
      isJson || isPulled(exchange) ? `${exchange.rawPath}\n${exchange.query}` : exchange.rawPath;
    const kept = this.#memory.answer(key, method);
    if (kept) return this.#serveKept(exchange, key, kept);
    return this.#serveFresh({ exchange, key, isJson, generation: this.#memory.generation });
  }

  refuse(exchange: Exchange, answer: ErrorAnswer): undefined | Promise<void> {
    return this.#send(exchange, errorReply(answer));
  }

  /** The end of a request that went wrong. */
  fail(exchange: Exchange, error: unknown): void {
    const { response, request } = exchange;
    if (request.socket.destroyed) return;
    const isDown = isOutage(error);
    const log = this.#ctx.log.of(exchange.correlationId);
    const text = error instanceof Error ? error.message : error;
    log.error(`${request.method} ${exchange.rawPath} failed: ${text}`);
    if (!isDown) {
      this.#ctx.metrics.count("deckle_errors_total", { place: "content" });
      log.unhandled(error, { place: "content" });
    }
    if (response.headersSent) reset(response);
    else void this.refuse(exchange, errorAnswer(isDown ? 503 : 500));
  }

  #send(
    exchange: Exchange,
    answer: Answer,
    { mark, isFromMemory = false }: Sent = {},
  ): undefined | Promise<void> {
    const sent = send({ ctx: this.#ctx, files: this.#files }, exchange, { answer, mark });
    const { counted } = answer;
    if (counted === undefined) return sent;
    const sending = { isFromMemory };
    if (sent) return sent.then(() => this.#tally.note(counted, exchange, sending));
    this.#tally.note(counted, exchange, sending);
    return undefined;
  }

  /** With a note of whoever wants to know about it. */
  #counted(request: ContentRequest, stored: Stored, answer: Answer): Answer {
    const { contentArtifact, artifact } = stored;
    const file = { contentArtifact, sizeBytes: artifact.sizeBytes };
    const counted = this.#tally.counted(this.#handlerOf(request), request, file);
    return counted ? { ...answer, counted } : answer;
  }

  #handlerOf({ match }: ContentRequest): ContentHandler | undefined {
    return this.#handlers.get(match.distribution.type);
  }

  #serveKept(exchange: Exchange, key: string, kept: CachedAnswer): undefined | Promise<void> {
    this.#ctx.metrics.count("deckle_cache_requests_total", HIT);
    const refused = kept.match ? this.#refusal(exchange, kept.match) : undefined;
    const answer = (reason: string | undefined) =>
      reason === undefined
        ? this.#sendKept(exchange, key, kept)
        : this.refuse(exchange, errorAnswer(403, reason));
    return refused instanceof Promise ? refused.then(answer) : answer(refused);
  }

  /** A kept answer whose file has gone meanwhile is made anew. */
  #sendKept(exchange: Exchange, key: string, kept: CachedAnswer): undefined | Promise<void> {
    const { answer } = kept;
    const mark = this.#marks && isMarked(answer) ? "HIT" : undefined;
    const sent = this.#send(exchange, answer, { mark, isFromMemory: true });
    if (answer.body.kind !== "file" || exchange.isHead) return sent;
    return sent?.then(
      () => this.#promote(key, kept),
      (error) => {
        if (!isDamaged(error) || exchange.response.headersSent) throw error;
        const isJson = wantsJson(exchange.request.headers.accept);
        return this.#serveFresh({ exchange, key, isJson, generation: -1 });
      },
    );
  }

  async #promote(key: string, kept: CachedAnswer): Promise<void> {
    try {
      await this.#memory.promote(key, kept, this.#files);
    } catch (error) {
      this.#ctx.log.debug(`${key} is not kept in memory: ${error}`);
    }
  }

  #refusal(exchange: Exchange, match: Match) {
    return refusal(this.#ctx, this.#guards, {
      guard: match.distribution.guard,
      request: (ask) => {
        const { request } = exchange;
        const place = () => this.#place(exchange);
        const trust = this.#trust;
        return {
          ask,
          domain: match.domain,
          method: request.method ?? "",
          get path() {
            return fullPathIn(place());
          },
          get below() {
            return pathBelow(place(), match);
          },
          url: request.url ?? "",
          headers: request.headers,
          rawHeaders: request.rawHeaders,
          get address() {
            return clientAddress(request, trust);
          },
        };
      },
    });
  }

  #place({ rawPath }: Exchange) {
    const { CONTENT_PATH_PREFIX, DOMAIN_ENABLED: hasDomains } = this.#ctx.settings;
    const alias = this.#aliases.find((path) => rawPath.startsWith(path));
    return parseRequestPath(rawPath, { prefix: alias ?? CONTENT_PATH_PREFIX, hasDomains });
  }

  async #serveFresh(visit: Visit): Promise<void> {
    this.#ctx.metrics.count("deckle_cache_requests_total", MISS);
    const { exchange } = visit;
    const place = this.#place(exchange);
    if (place === "malformed") return this.refuse(exchange, errorAnswer(400));
    if (place === undefined) return this.refuse(exchange, errorAnswer(404));
    const known = this.#memory.match(place.domain ?? "default", place.path);
    const matched = known
      ? { kind: "distribution" as const, match: known }
      : await this.#match(visit, place);
    if (matched.kind === "none") return this.#miss(visit, null, errorAnswer(404));
    if (matched.kind === "above") return this.#serveAbove(visit, place, matched.domain);
    const reason = await this.#refusal(exchange, matched.match);
    if (reason !== undefined) return this.refuse(exchange, errorAnswer(403, reason));
    return this.#serveBelow(visit, place, matched.match);
  }

  async #match(visit: Visit, place: RequestPath): Promise<Matched> {
    const matched = await matchDistribution(this.#ctx, {
      domain: place.domain ?? "default",
      path: place.path,
      publicationTypes: this.#publicationTypes,
      unlisted: this.#unlisted,
    });
    this.#memory.keepMatch(matched, visit);
    return matched;
  }

  /** A listing of distributions; it is not kept. */
  async #serveAbove(visit: Visit, place: RequestPath, domain: Match["domain"]): Promise<void> {
    const { exchange, isJson } = visit;
    if (!place.isDirectory) {
      const location = `${place.rawPath}/`;
      const answer = redirectAnswer({ kind: "redirect", status: 301, location });
      this.#memory.keepBriefly(visit, null, answer);
      return this.#send(exchange, answer);
    }
    const listing = await distributionsListing(this.#ctx, {
      domain,
      path: place.path,
      root: contentRoot(this.#ctx, domain),
      wantsJson: isJson,
      query: new URLSearchParams(exchange.query),
      unlisted: this.#unlisted,
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
    const handler = this.#handlers.get(type) ?? { type };
    const servesPublications = this.#publicationTypes.includes(type);
    const question = { ctx: this.#ctx, request, handler, servesPublications };
    const { savedCount } = this.#downloads;
    const { key } = visit;
    const { resolution: found, isHit } = await this.#shared.resolve(
      match,
      { key, method: request.method },
      () => resolve(question),
    );
    // Fetched by another request while this one looked: what it found is outdated.
    const isOutdated =
      found.kind === "upstream" && this.#downloads.isSavedSince(savedCount, request, found);
    const rest = { ...visit, isShared: isHit };
    return this.#answer(rest, request, isOutdated ? await resolve(question) : found);
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
        return this.#redirect(visit, request.match, resolution);
      case "missing": {
        const { status = 404, reason } = resolution;
        return this.#miss(visit, request.match, errorAnswer(status, reason));
      }
      default:
        return resolution satisfies never;
    }
  }

  /** That a directory lacks its slash is kept; other redirects may depend on more than the path. */
  #redirect(visit: Visit, match: Match, redirect: Redirect): undefined | Promise<void> {
    const answer = redirectAnswer(redirect);
    const isSlash = redirect.status === 301 && redirect.location === `${visit.exchange.rawPath}/`;
    if (isSlash) this.#memory.keep(visit, match, answer);
    return this.#send(visit.exchange, answer);
  }

  async #serveStored(visit: Visit, request: ContentRequest, stored: Stored): Promise<void> {
    const { savedCount } = this.#downloads;
    try {
      const answer = await storedAnswer(this.#ctx, this.#files, { stored, request });
      await this.#keepAndSend(visit, request.match, this.#counted(request, stored, answer));
    } catch (error) {
      if (!isDamaged(error) || visit.exchange.response.headersSent) throw error;
      const lacking = isAway(error) ? 503 : 502;
      await this.#replace(visit, request, { stored, lacking, savedCount });
    }
  }

  /**
   * A file that the store lost comes from a remote once more, or is a clean error.
   *
   * @param lost.lacking status where no remote has it.
   * @param lost.savedCount of the downloads, before the store was asked.
   */
  async #replace(
    visit: Visit,
    request: ContentRequest,
    lost: {
      readonly stored: Stored;
      readonly lacking: 502 | 503;
      readonly savedCount: number;
    },
  ): Promise<void> {
    const { stored, lacking } = lost;
    const { contentArtifact, artifact } = stored;
    const { domain } = request.match;
    const sha256 = artifact.sha256.toString("hex");
    const object = artifact.file ?? objectName(domain, sha256);
    this.#ctx.log.error(`The stored file ${object} is missing or damaged`);
    const found =
      contentArtifact === null ? [] : await sourcesOf(this.#ctx, request.match, contentArtifact);
    if (found.length === 0) return this.refuse(visit.exchange, errorAnswer(lacking));
    const sources = found.map((source) => ({
      ...source,
      sizeBytes: artifact.sizeBytes,
      digests: { ...source.digests, sha256 },
    }));
    const { path, at, headers = {} } = stored;
    const upstream = { kind: "upstream" as const, contentArtifact, sources, path, at, headers };
    // Replaced by another request while this one looked for a remote.
    if (this.#downloads.isSavedSince(lost.savedCount, request, upstream))
      return this.#serveStored(visit, request, stored);
    return this.#serveUpstream(visit, request, upstream);
  }

  async #serveUpstream(
    visit: Visit,
    request: ContentRequest,
    upstream: FromUpstream,
  ): Promise<void> {
    const onSaved = (artifact: SavedArtifact) =>
      void this.#keepSaved(visit, request, { upstream, artifact });
    const tools = { ctx: this.#ctx, files: this.#files };
    const download = () => this.#downloads.of(request, upstream, onSaved);
    const domain = request.match.domain.name;
    const bytes = await sendUpstream(tools, visit.exchange, { upstream, domain, download });
    const { contentArtifact, sources } = upstream;
    const file = { contentArtifact, sizeBytes: sources[0]?.sizeBytes ?? null };
    const counted = this.#tally.counted(this.#handlerOf(request), request, file);
    if (counted) this.#tally.note(counted, visit.exchange, { bytes });
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
      this.#memory.keep(visit, request.match, this.#counted(request, stored, answer));
    } catch (error) {
      this.#ctx.log.warn(`A downloaded file cannot be read back: ${error}`);
    }
  }

  #keepAndSend(visit: Visit, match: Match, answer: Answer): undefined | Promise<void> {
    const isKept = this.#memory.keep(visit, match, answer);
    const mark = visit.isShared ? "HIT" : "MISS";
    return this.#send(visit.exchange, answer, isKept && this.#marks ? { mark } : {});
  }

  #miss(visit: Visit, match: Match | null, answer: ErrorAnswer): undefined | Promise<void> {
    const reply = errorReply(answer);
    if (answer.status === 404) this.#memory.keepBriefly(visit, match, reply);
    return this.#send(visit.exchange, reply);
  }
}

type Place = ReturnType<typeof parseRequestPath>;

const fullPathIn = (place: Place): string => (typeof place === "object" ? place.fullPath : "");

const pathBelow = (place: Place, { distribution }: Match): string =>
  typeof place === "object" ? place.path.slice(distribution.basePath.length + 1) : "";

/** Of a file that is pulled through, the query tells which file of it is meant (plugin-python §11). */
const isPulled = ({ query }: Exchange): boolean => query?.includes("redirect=") ?? false;

const isDamaged = (error: unknown): boolean =>
  deliveryErrors.damaged.is(error) ||
  isAway(error) ||
  hasCode(error, /^storage-(missing|truncated)$/);

/** The store may have the file, and cannot be asked now. */
const isAway = (error: unknown): boolean => hasCode(error, /^storage-unavailable$/);

const hasCode = (error: unknown, code: RegExp): boolean =>
  error instanceof Error && "code" in error && code.test(String(error.code));

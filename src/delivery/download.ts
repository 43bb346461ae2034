import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Digests } from "#base/digests.ts";
import { CodedError } from "#base/errors.ts";
import { shownUrl } from "#base/shown-url.ts";
import { saveArtifacts } from "#core/artifacts/commands.ts";
import type { SavedArtifact } from "#core/artifacts/types.ts";
import type { Ctx, DomainRef } from "#core/ctx.ts";
import { remoteErrors } from "#core/remotes/errors.ts";
import { backoffMs, isTransient, wrongDigest } from "#core/remotes/rules.ts";
import { scanFile } from "#core/scanning/commands.ts";
import { isScannedOnDemand } from "#core/scanning/queries.ts";
import { isRefusedByScan } from "#core/scanning/types.ts";
import type { HttpResponse } from "#platform/http/http.ts";
import type { IncomingFile, SealedFile } from "#platform/storage/storage.ts";
import type { UpstreamSource } from "./contract.ts";
import { deliveryErrors } from "./errors.ts";
import type { Upstreams } from "./upstream.ts";

/** What a download is for, and what becomes of the bytes. */
export interface DownloadPlan {
  readonly domain: DomainRef;
  /** Best first. */
  readonly sources: readonly UpstreamSource[];
  /** Called with the artifact before the download counts as over; not for streamed sources. */
  readonly saved: (artifact: SavedArtifact) => Promise<void>;
  /** Called for a source that sent wrong bytes. */
  readonly failed: (source: UpstreamSource) => Promise<void>;
  /** Called when nobody new may join, before the bytes may go. */
  readonly over: () => void;
}

/** What the upstream said before the first byte. */
export interface UpstreamHead {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined if nobody knows it before the end. */
  readonly sizeBytes: number | undefined;
}

/**
 * One file on its way from an upstream, for everybody who asks for it meanwhile. Bytes go into a
 * temporary file, and followers read behind. The last bytes are held back until the digests agree.
 */
export class Download {
  readonly #ctx: Ctx;
  readonly #plan: DownloadPlan;
  readonly #upstreams: Upstreams;
  readonly #abort = new AbortController();
  #file: IncomingFile | undefined;
  #head: UpstreamHead | undefined;
  /** Bytes that followers may read. */
  #released = 0;
  #state: "running" | "verified" | "failed" = "running";
  #error: unknown;
  #followers = 0;
  #isOver = false;
  #isSaved = false;
  #changed = Promise.withResolvers<void>();
  readonly done: Promise<void>;

  constructor(ctx: Ctx, upstreams: Upstreams, plan: DownloadPlan) {
    this.#ctx = ctx;
    this.#plan = plan;
    this.#upstreams = upstreams;
    this.#isSaved = plan.sources[0]?.isSaved ?? false;
    this.done = this.#run();
  }

  /** Joins; the bytes stay readable until the returned handle is disposed. */
  join(): Disposable {
    this.#followers += 1;
    let isHere = true;
    return {
      [Symbol.dispose]: () => {
        if (isHere) this.#leave();
        isHere = false;
      },
    };
  }

  abort(): void {
    this.#abort.abort();
  }

  /**
   * Waits until bytes can be sent.
   *
   * @throws why no source gave any; the sources are not asked again.
   */
  async begun(signal: AbortSignal): Promise<UpstreamHead> {
    while (this.#state === "running" && this.#released === 0) await this.#wait(signal);
    if (this.#state === "failed" && this.#released === 0) throw this.#error;
    return this.#head ?? { headers: {}, sizeBytes: undefined };
  }

  /** Waits until the upstream has answered, so that its length is known. */
  async answered(signal: AbortSignal): Promise<UpstreamHead> {
    while (this.#state === "running" && !this.#head) await this.#wait(signal);
    if (!this.#head) throw this.#error;
    return this.#head;
  }

  /**
   * Bytes from an offset, at least one, as soon as they may be sent; empty at the end.
   *
   * @throws why the download broke off.
   */
  async read(start: number, length: number, signal: AbortSignal): Promise<Buffer> {
    while (this.#state === "running" && this.#released <= start) await this.#wait(signal);
    const end = Math.min(this.#released, start + length);
    if (end > start && this.#file) return this.#file.read(start, end - start);
    if (this.#state === "failed") throw this.#error;
    // A missing file must never look like the end of one.
    if (end > start) throw new Error("A download was put away while somebody read it.");
    return Buffer.alloc(0);
  }

  async #wait(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const left = Promise.withResolvers<never>();
    const onAbort = () => left.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await Promise.race([this.#changed.promise, left.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #leave(): void {
    this.#followers -= 1;
    if (this.#followers > 0) return;
    if (this.#isOver) void this.#drop();
    else if (!this.#isSaved) this.abort();
  }

  async #run(): Promise<void> {
    try {
      const sealed = await this.#fetch();
      this.#ctx.metrics.count("deckle_download_bytes_total", {}, sealed.sizeBytes);
      this.#ctx.metrics.count("deckle_downloads_total", { outcome: "ok" });
      this.#released = sealed.sizeBytes;
      this.#state = "verified";
      this.#notify();
      if (this.#isSaved) await this.#save(sealed);
    } catch (error) {
      if (this.#state === "verified") {
        this.#ctx.log.error(`A download could not be stored: ${error}`);
      } else {
        this.#ctx.metrics.count("deckle_downloads_total", { outcome: "failed" });
        this.#error = error;
        this.#state = "failed";
      }
    } finally {
      this.#isOver = true;
      this.#plan.over();
      this.#notify();
      if (this.#followers === 0) await this.#drop();
    }
  }

  /** One source after the other, until bytes were given away. */
  async #fetch(): Promise<SealedFile> {
    let last: unknown = deliveryErrors.exhausted();
    for (const source of this.#plan.sources) {
      try {
        return await this.#fetchFrom(source);
      } catch (error) {
        this.#abort.signal.throwIfAborted();
        this.#ctx.log.warn(`Download of ${shownUrl(source.url)} failed: ${error}`);
        if (isWrong(error)) await this.#plan.failed(source);
        if (this.#released > 0) throw error;
        last = isWrong(last) ? last : error;
      }
    }
    throw last;
  }

  async #fetchFrom(source: UpstreamSource): Promise<SealedFile> {
    refuseForbidden(this.#ctx, source);
    using upstream = await this.#upstreams.lease(this.#plan.domain, source.remote);
    const { session } = upstream;
    for (let attempt = 0; ; attempt += 1) {
      const result = { status: 0 };
      try {
        return await this.#transfer(source, session, result);
      } catch (error) {
        this.#abort.signal.throwIfAborted();
        if (isRefusedByScan(error)) throw error;
        const code = error instanceof CodedError ? error.code : "";
        const isPassing = !isWrong(error) && isTransient(code, result.status);
        if (this.#released > 0 || attempt >= session.maxRetries || !isPassing) throw error;
        await sleep(backoffMs(attempt, Math.random()), undefined, { signal: this.#abort.signal });
      }
    }
  }

  async #transfer(
    source: UpstreamSource,
    session: { get: (url: string, request: object) => Promise<HttpResponse> },
    result: { status: number },
  ): Promise<SealedFile> {
    const { signal } = this.#abort;
    const headers = { "accept-encoding": "identity" };
    const response = await session.get(source.url, { signal, headers });
    if (response.status !== 200 && response.status !== 203) {
      result.status = response.status;
      response.body.on("error", () => undefined).destroy();
      throw new UpstreamStatusError(response, source.url);
    }
    await this.#drop();
    const file = await this.#ctx.storage(this.#plan.domain).beginFile();
    this.#file = file;
    file.sink.on("error", () => undefined);
    this.#isSaved = source.isSaved;
    this.#head = { headers: response.headers, sizeBytes: sizeOf(response, source) };
    this.#notify();
    await this.#pour(response, file, source);
    const sealed = verified(source, await file.seal());
    await this.#scan(file, sealed, source);
    return sealed;
  }

  /** The newest chunk is still held back: nobody has the whole of an infected file. */
  async #scan(file: IncomingFile, sealed: SealedFile, { url }: UpstreamSource): Promise<void> {
    const { domain } = this.#plan;
    if (!(await isScannedOnDemand(this.#ctx, domain))) return;
    const { digests, sizeBytes } = sealed;
    const { signal } = this.#abort;
    await scanFile(this.#ctx, domain, {
      ...{
        file,
        sha256: digests.sha256,
        sizeBytes,
        what: shownUrl(url),
        trigger: "stream",
        signal,
      },
    });
  }

  /** Writes the body; all but the newest chunk is given to the followers. */
  async #pour(response: HttpResponse, file: IncomingFile, source: UpstreamSource): Promise<void> {
    const most = source.sizeBytes ?? (this.#ctx.settings.MAX_DOWNLOAD_BYTES || Number.MAX_VALUE);
    let received = 0;
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      if (received + chunk.length > most)
        throw remoteErrors.size(source.url, most, `more than ${most}`);
      await written(file, chunk);
      if (received > 0) {
        this.#released = received;
        this.#notify();
      }
      received += chunk.length;
    }
  }

  async #save(sealed: SealedFile): Promise<void> {
    const { domain, saved } = this.#plan;
    const file = this.#file;
    if (!file) return;
    const [artifact] = await saveArtifacts(this.#ctx, domain, [{ file, sealed }]);
    if (artifact) await saved(artifact);
  }

  async #drop(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.[Symbol.asyncDispose]();
  }
}

/** The upstream answered, but not with the file. */
export class UpstreamStatusError extends Error {
  readonly status: number;
  readonly url: string;

  constructor(response: HttpResponse, url: string) {
    super(`${response.status}, message='${response.reason}', url='${shownUrl(response.url)}'`);
    this.name = "UpstreamStatusError";
    this.status = response.status;
    this.url = url;
  }
}

const isWrong = (error: unknown): boolean =>
  remoteErrors.digest.is(error) || remoteErrors.size.is(error);

/** Resolves when the bytes can be read back. */
async function written(file: IncomingFile, chunk: Buffer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  file.sink.write(chunk, (error) => (error ? reject(error) : resolve()));
  await promise;
  if (file.sink.writableNeedDrain) await once(file.sink, "drain");
}

function verified(source: UpstreamSource, sealed: SealedFile): SealedFile {
  const wrong = wrongDigest({ url: source.url, digests: source.digests }, sealed.digests);
  if (wrong) throw remoteErrors.digest(source.url, wrong.expected, wrong.actual);
  if (source.sizeBytes !== null && source.sizeBytes !== sealed.sizeBytes)
    throw remoteErrors.size(source.url, source.sizeBytes, sealed.sizeBytes);
  return sealed;
}

function refuseForbidden(ctx: Ctx, { url, digests }: { url: string; digests: Digests }): void {
  const algorithms = Object.keys(digests);
  const allowed: readonly string[] = ctx.settings.ALLOWED_CONTENT_CHECKSUMS;
  if (algorithms.length > 0 && !algorithms.some((name) => allowed.includes(name)))
    throw remoteErrors.unsupportedDigest(url, algorithms);
}

function sizeOf({ headers }: HttpResponse, source: UpstreamSource): number | undefined {
  const length = headers["content-length"];
  const isPlain = headers["content-encoding"] === undefined;
  return source.sizeBytes ?? (isPlain && length !== undefined ? Number(length) : undefined);
}

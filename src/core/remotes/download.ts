import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { CodedError } from "#base/errors.ts";
import { shownUrl } from "#base/shown-url.ts";
import type { HttpResponse } from "#platform/http/http.ts";
import type { IncomingFile } from "#platform/storage/storage.ts";
import type { Ctx } from "../ctx.ts";
import { remoteErrors } from "./errors.ts";
import { backoffMs, continuesAt, isTransient, rangeValidator, wrongDigest } from "./rules.ts";
import type { Download, DownloadRequest, WantedFile } from "./types.ts";

/** Bytes beyond the declared size that are still read, so that the error names the true digest. */
const EXTRA_BYTES = 16 * 1024 * 1024;

/**
 * Fetches one file into the store's incoming area and verifies it. Failures that may pass are
 * tried again, from where the bytes ended if the upstream can continue.
 *
 * @throws a `PLPnnnn` error; nothing is left behind.
 */
export async function downloadFile(ctx: Ctx, request: DownloadRequest): Promise<Download> {
  const download = await downloadIfChanged(ctx, request, {});
  if (download === undefined) throw remoteErrors.status(304, "Not Modified", request.wanted.url);
  return download;
}

/**
 * The same under conditions (`if-none-match`, `if-modified-since`); undefined when the upstream
 * answers 304.
 */
export async function downloadIfChanged(
  ctx: Ctx,
  request: DownloadRequest,
  conditions: Readonly<Record<string, string>>,
): Promise<Download | undefined> {
  refuseForbiddenDigests(ctx, request.wanted);
  await using transfer = new Transfer(ctx, request, conditions);
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await transfer.run();
    } catch (error) {
      request.signal.throwIfAborted();
      if (attempt >= request.remote.maxRetries || !transfer.mayRetry(error)) throw error;
      const wait = backoffMs(attempt, Math.random());
      ctx.log.debug(
        `Retrying ${shownUrl(request.wanted.url)} in ${Math.round(wait)} ms: ${String(error)}`,
      );
      await sleep(wait, undefined, { signal: request.signal });
    }
  }
}

function refuseForbiddenDigests(ctx: Ctx, wanted: WantedFile): void {
  const algorithms = Object.keys(wanted.digests ?? {});
  const allowed: readonly string[] = ctx.settings.ALLOWED_CONTENT_CHECKSUMS;
  if (algorithms.length > 0 && !algorithms.some((algorithm) => allowed.includes(algorithm)))
    throw remoteErrors.unsupportedDigest(wanted.url, algorithms);
}

/** The tries of one download and what they got so far. */
class Transfer implements AsyncDisposable {
  readonly #ctx: Ctx;
  readonly #request: DownloadRequest;
  readonly #conditions: Readonly<Record<string, string>>;
  #file: IncomingFile | undefined;
  #validator: string | undefined;
  #status: number | undefined;
  #resumes = false;

  constructor(ctx: Ctx, request: DownloadRequest, conditions: Readonly<Record<string, string>>) {
    this.#ctx = ctx;
    this.#request = request;
    this.#conditions = conditions;
  }

  async run(): Promise<Download | undefined> {
    const { remote, wanted, signal } = this.#request;
    this.#status = undefined;
    const response = await remote.get(wanted.url, { headers: this.#headers(), signal });
    this.#status = response.status;
    if (response.status === 304 && Object.keys(this.#conditions).length > 0) {
      response.body.destroy();
      return undefined;
    }
    const file = await this.#target(response);
    await this.#pour(response, file);
    return this.#finish(file, response.headers);
  }

  mayRetry(error: unknown): boolean {
    if (!(error instanceof CodedError)) return false;
    const refusedRange = this.#status === 416 && this.#resumes;
    const status = remoteErrors.status.is(error) ? this.#status : undefined;
    return refusedRange || isTransient(error.code, status);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#drop();
  }

  #headers(): Record<string, string> {
    const headers = { "accept-encoding": "identity", ...this.#conditions };
    const got = this.#file?.sizeBytes ?? 0;
    this.#resumes = got > 0 && this.#validator !== undefined;
    if (!this.#resumes || this.#validator === undefined) return headers;
    return { ...headers, range: `bytes=${got}-`, "if-range": this.#validator };
  }

  /** The file that the answer belongs into: the one begun before if the answer continues it. */
  async #target(response: HttpResponse): Promise<IncomingFile> {
    const { status, headers } = response;
    const begun = this.#file;
    if (status === 206 && begun && continuesAt(headers["content-range"], begun.sizeBytes))
      return begun;
    await this.#drop();
    if (status !== 200 && status !== 203) {
      response.body.destroy();
      throw remoteErrors.status(status, response.reason, response.url.split("?")[0] ?? "");
    }
    this.#validator = rangeValidator(headers);
    this.#file = await this.#ctx.storage(this.#request.domain).beginFile();
    this.#file.sink.on("error", () => {});
    return this.#file;
  }

  async #pour(response: HttpResponse, file: IncomingFile): Promise<void> {
    const { wanted, signal } = this.#request;
    const most = this.#mostBytes();
    const tap = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (file.sizeBytes + chunk.length > most)
          done(
            remoteErrors.size(
              wanted.url,
              wanted.sizeBytes ?? `at most ${most}`,
              `more than ${most}`,
            ),
          );
        else file.sink.write(chunk, done);
      },
    });
    try {
      await pipeline(response.body, tap, { signal });
    } catch (error) {
      if (this.#validator === undefined || remoteErrors.size.is(error)) await this.#drop();
      throw error;
    }
  }

  #mostBytes(): number {
    const { sizeBytes } = this.#request.wanted;
    if (sizeBytes !== undefined) return sizeBytes + EXTRA_BYTES;
    return this.#ctx.settings.MAX_DOWNLOAD_BYTES || Number.POSITIVE_INFINITY;
  }

  async #finish(file: IncomingFile, headers: Download["headers"]): Promise<Download> {
    const { wanted } = this.#request;
    const sealed = await file.seal();
    const wrong = wrongDigest(wanted, sealed.digests);
    const sizeDiffers = wanted.sizeBytes !== undefined && wanted.sizeBytes !== sealed.sizeBytes;
    if (wrong || sizeDiffers) {
      await this.#drop();
      throw wrong
        ? remoteErrors.digest(wanted.url, wrong.expected, wrong.actual)
        : remoteErrors.size(wanted.url, wanted.sizeBytes ?? 0, sealed.sizeBytes);
    }
    this.#file = undefined;
    return { file, sealed, headers };
  }

  async #drop(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#validator = undefined;
    await file?.[Symbol.asyncDispose]();
  }
}

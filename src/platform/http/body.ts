import type { Readable } from "node:stream";
import { pipeline, Transform, type TransformCallback } from "node:stream";
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from "node:zlib";
import { shownUrl } from "#base/shown-url.ts";
import { httpErrors, translate } from "./errors.ts";

/** Decoded bytes that pass whatever their ratio. */
const FREE_BYTES = 16 * 1024 * 1024;
/** Beyond these, a body that grows more than this is a bomb; real metadata stays below 50. */
const MAX_RATIO = 200;

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/**
 * The body as the caller reads it: decoded once at most, its growth limited, its failures in our
 * words.
 *
 * @param encoding `Content-Encoding` of the answer.
 * @param url what the errors name.
 */
export function decodedBody(raw: Readable, encoding: string | undefined, url: string): Readable {
  const names = (encoding ?? "")
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
  const chain = names.filter((name) => name !== "" && name !== "identity");
  const decoder = DECODERS[chain[0] ?? ""];
  if (chain.length > 1 || (chain.length === 1 && decoder === undefined)) {
    raw.on("error", () => {}).destroy();
    throw httpErrors.connection(
      shownUrl(url),
      `its content encoding '${encoding}' is not supported`,
    );
  }
  const out = new Body(url);
  // The failure reaches the reader as the error of `out`.
  const done = () => {};
  if (decoder === undefined) pipeline(raw, out, done);
  else pipeline(raw, new Counter(out), decoder(), out, done);
  return out;
}

/** Passes decoded bytes on and turns every failure into a coded error. */
class Body extends Transform {
  readonly #url: string;
  /** Undefined while nothing is decoded: then there is no growth to limit. */
  encodedBytes: number | undefined;
  #bytes = 0;

  constructor(url: string) {
    super({ readableHighWaterMark: 256 * 1024, writableHighWaterMark: 256 * 1024 });
    this.#url = url;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#bytes += chunk.length;
    const allowed = Math.max(FREE_BYTES, (this.encodedBytes ?? 0) * MAX_RATIO);
    const endless = this.encodedBytes !== undefined && this.#bytes > allowed;
    if (endless)
      done(httpErrors.connection(shownUrl(this.#url), "its body decompresses without end"));
    else done(null, chunk);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    done(error === null ? null : translate(error, this.#url));
  }
}

/** Counts encoded bytes for the one who limits the decoded ones. */
class Counter extends Transform {
  readonly #out: Body;

  constructor(out: Body) {
    super();
    this.#out = out;
    out.encodedBytes = 0;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#out.encodedBytes = (this.#out.encodedBytes ?? 0) + chunk.length;
    done(null, chunk);
  }
}

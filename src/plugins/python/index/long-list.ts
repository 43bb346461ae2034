import { createHash } from "node:crypto";
import { pipeline, Readable, Transform } from "node:stream";
import { createGunzip, createGzip } from "node:zlib";
import { evaluate } from "#base/conditional.ts";
import type { Call } from "#sdk";
import { cacheOf, type IndexView, pageKey } from "./index-pages.ts";
import { mediaType, type SimpleType, takesGzip } from "./negotiate.ts";
import type { PageCache } from "./page-cache.ts";
import { cachingHeaders, changedMs } from "./send-page.ts";
import { SIMPLE_HEADERS } from "./simple.ts";

/**
 * Sends a list that is never in memory as a whole but packed, a fifth of its size: it goes out while
 * it is read, and what was packed is kept for those who ask next. What the list is made of stands for
 * its bytes in the `ETag`, which has to be sent before they are known.
 */
export function sendLongList(
  call: Call,
  { ctx, place }: IndexView,
  { type, text }: { readonly type: SimpleType; readonly text: () => AsyncIterable<string> },
): undefined {
  const { request, reply } = call;
  const key = pageKey(place, ["long list", type]);
  const isPacked = takesGzip(request.headers["accept-encoding"]);
  const digest = createHash("sha256").update(key).digest("hex").slice(0, 32);
  const validators = {
    etag: `"${digest}${isPacked ? "-gzip" : ""}"`,
    lastModifiedMs: place.version ? changedMs(place.version) : undefined,
  };
  reply.headers({ ...SIMPLE_HEADERS, ...cachingHeaders(place, validators) });
  const status = evaluate(request.headers, validators);
  reply.code(status);
  if (status !== 200) {
    reply.send();
    return undefined;
  }
  const cache = cacheOf(ctx);
  const known = cache.find(key);
  if (ctx.settings.CACHE_ENABLED) reply.header("x-pulp-cache", known ? "HIT" : "MISS");
  if (isPacked) reply.header("content-encoding", "gzip");
  reply.header("content-type", mediaType(type));
  if (request.method === "HEAD") reply.send(Readable.from([]));
  else if (known && isPacked) reply.send(known.body);
  else {
    const packed = known ? Readable.from([known.body]) : packing(text(), cache, key);
    reply.send(isPacked ? packed : joined(packed, createGunzip()));
  }
  return undefined;
}

/** The packed text; the cache gets it when it is whole. */
function packing(text: AsyncIterable<string>, cache: PageCache, key: string): Readable {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const collector = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= cache.mostBytes) chunks.push(chunk);
      else chunks.length = 0;
      done(null, chunk);
    },
    flush(done) {
      if (bytes <= cache.mostBytes) cache.keep(key, { body: Buffer.concat(chunks), etag: "" });
      done();
    },
  });
  return joined(joined(Readable.from(text), createGzip()), collector);
}

/** Errors and the end of each go to the other. */
function joined<Last extends Transform>(first: Readable, last: Last): Last {
  pipeline(first, last, () => undefined);
  return last;
}

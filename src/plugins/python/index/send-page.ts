import { evaluate } from "#base/conditional.ts";
import type { Call } from "#sdk";
import { takesGzip } from "./negotiate.ts";
import { type Page, pageOf } from "./page-cache.ts";
import type { IndexPlace, ServedVersion } from "./place.ts";

const CACHEABLE = "max-age=600, public";
/** What a guard protects must not lie in caches that others ask. */
const GUARDED = "max-age=600, private";
/** Upstream's state is not ours to promise. */
const CHANGEABLE = "no-cache";

/** A page on its way to one client. */
export interface PageAnswer {
  readonly page: Page;
  readonly type: string;
  readonly isHit: boolean;
  /** Milliseconds, whole seconds; absent where nobody knows. */
  readonly lastModifiedMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Sends a page, packed if the client takes that, or says that the client has it (plugin-python §6.3).
 */
export function sendPage(call: Call, place: IndexPlace, answer: PageAnswer): void {
  const { ctx, request, reply } = call;
  const { page, lastModifiedMs, type, headers = {} } = answer;
  const packed = takesGzip(request.headers["accept-encoding"]) ? page.gzip : undefined;
  const etag = `"${page.etag}${packed ? "-gzip" : ""}"`;
  reply.headers({ ...headers, ...cachingHeaders(place, { etag, lastModifiedMs }) });
  const status = evaluate(request.headers, { etag, lastModifiedMs });
  if (status !== 200) {
    reply.code(status).send();
    return;
  }
  if (ctx.settings.CACHE_ENABLED) reply.header("x-pulp-cache", answer.isHit ? "HIT" : "MISS");
  if (packed) reply.header("content-encoding", "gzip");
  reply
    .code(200)
    .header("content-type", type)
    .send(packed ?? page.body);
}

/** Headers of a 200 and a 304 alike. */
export function cachingHeaders(
  { isGuarded, hasRemote }: IndexPlace,
  of: { readonly etag: string; readonly lastModifiedMs: number | undefined },
): Record<string, string> {
  const date = of.lastModifiedMs === undefined ? {} : dated(of.lastModifiedMs);
  return {
    etag: of.etag,
    ...date,
    "cache-control": hasRemote ? CHANGEABLE : isGuarded ? GUARDED : CACHEABLE,
    vary: "Accept, Accept-Encoding",
  };
}

const dated = (ms: number) => ({ "last-modified": new Date(ms).toUTCString() });

/** When what a version says came to be, in the whole seconds of HTTP. */
export const changedMs = ({ changed }: ServedVersion): number =>
  Math.floor(Date.parse(changed) / 1000) * 1000;

/** Upstream may change at any time, so that nothing says when a page of it is outdated. */
export async function freshPage(make: () => Promise<string | undefined>) {
  const text = await make();
  return { page: text === undefined ? undefined : await pageOf(text), isHit: false };
}

import type { Call, Ctx } from "#sdk";
import { pythonSettingsOf } from "../settings.ts";
import { contentUrl, indexUrl } from "./addresses.ts";
import { indexErrors } from "./errors.ts";
import type { Members } from "./members.ts";
import { type Found, type Page, PageCache, pageOf } from "./page-cache.ts";
import type { IndexPlace } from "./place.ts";
import type { Urls } from "./simple-pages.ts";

const caches = new WeakMap<Ctx["hot"], PageCache>();

/** The pages of the process: all its contexts share them. */
function cacheOf(ctx: Ctx): PageCache {
  const known = caches.get(ctx.hot);
  if (known) return known;
  const cache = new PageCache(pythonSettingsOf(ctx).PYTHON_INDEX_CACHE_BYTES);
  caches.set(ctx.hot, cache);
  return cache;
}

/** What an index serves. @throws `indexErrors.nothing` if it has no content of its own. */
export function membersAt({ object, version }: IndexPlace): Members {
  if (version === null) throw indexErrors.nothing();
  return { domain: object.domain, version };
}

export const urlsOf = ({ ctx, caller }: Call, { basePath }: IndexPlace): Urls => {
  const at = { ctx, domain: caller.domain.name, basePath };
  return { content: contentUrl(at), index: indexUrl(at) };
};

/**
 * A page of an index, from memory if nothing changed that it depends on: the distribution, its
 * repository, the version.
 *
 * @param name tells the pages of one index apart.
 * @param make text of the page; undefined where there is none.
 */
export function indexPage(
  call: Call,
  place: IndexPlace,
  name: readonly string[],
  make: (members: Members) => Promise<string | undefined>,
): Promise<Found<Page | undefined>> {
  const members = membersAt(place);
  const { version } = members;
  const state = [place.object.id, place.updated, version.id, version.touched];
  return cacheOf(call.ctx).get([...state, ...name].join("\n"), async () => {
    const text = await make(members);
    return text === undefined ? undefined : pageOf(text);
  });
}

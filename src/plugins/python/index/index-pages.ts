import type { Call, Ctx, DomainRef } from "#sdk";
import { pythonSettingsOf } from "../settings.ts";
import { contentUrl, indexUrl } from "./addresses.ts";
import { indexErrors } from "./errors.ts";
import type { Members } from "./members.ts";
import { type Found, type Page, PageCache, pageOf } from "./page-cache.ts";
import type { IndexPlace } from "./place.ts";
import type { Urls } from "./simple-pages.ts";

const caches = new WeakMap<Ctx["hot"], PageCache>();

/** The pages of the process: all its contexts share them. */
export function cacheOf(ctx: Ctx): PageCache {
  const known = caches.get(ctx.hot);
  if (known) return known;
  const cache = new PageCache(pythonSettingsOf(ctx).PYTHON_INDEX_CACHE_BYTES);
  caches.set(ctx.hot, cache);
  return cache;
}

/** What an index serves. @throws `indexErrors.nothing` if it has no content of its own. */
export function membersAt({
  object,
  version,
}: Pick<IndexPlace, "version"> & {
  readonly object: Pick<IndexPlace["object"], "domain">;
}): Members {
  if (version === null) throw indexErrors.nothing();
  return { domain: object.domain, version };
}

/** An index as one request sees it. */
export interface IndexView {
  readonly ctx: Ctx;
  readonly domain: DomainRef;
  readonly place: IndexPlace;
}

export const viewOf = ({ ctx, caller }: Call, place: IndexPlace): IndexView => ({
  ctx,
  domain: caller.domain,
  place,
});

/** Where an index, or one of its parts, and its files lie. */
export const urlsOf = ({ ctx, domain, place: { basePath } }: IndexView): Urls => {
  const at = { ctx, domain: domain.name, basePath };
  return { content: contentUrl(at), index: indexUrl(at) };
};

/**
 * A page of an index, from memory if nothing changed that it depends on: the distribution, its
 * repository, the version, and those of its parts.
 *
 * @param name tells the pages of one index apart.
 * @param make text of the page; undefined where there is none.
 */
export function indexPage(
  { ctx, place }: Pick<IndexView, "ctx" | "place">,
  name: readonly string[],
  make: () => Promise<string | undefined>,
): Promise<Found<Page | undefined>> {
  return cacheOf(ctx).get(pageKey(place, name), async () => {
    const text = await make();
    return text === undefined ? undefined : pageOf(text);
  });
}

/** What a page is kept under. */
export const pageKey = (place: IndexPlace, name: readonly string[]): string =>
  [...stateOf(place), ...name].join("\n");

/** What pages of an index depend on, as texts that differ whenever something of it changes. */
export function stateOf(place: IndexPlace): readonly string[] {
  const { members = [], parts = [] } = place;
  const each = [place, ...members].flatMap(({ object, updated, version }) => [
    ...[object.id, updated, version?.id ?? "", version?.touched ?? ""],
  ]);
  return [...each, ...parts.map(({ object }) => object.id)];
}

/** @throws `indexErrors.nothing` if an index has neither content nor an upstream nor members. */
export function requireContent({ version, hasRemote, members }: IndexPlace): void {
  if (version === null && !hasRemote && !members) throw indexErrors.nothing();
}

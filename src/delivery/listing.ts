import { Turnstile } from "#base/turnstile.ts";
import type { Ctx } from "#core/ctx.ts";
import type { ContentRequest, Listing, Match, SpooledBody } from "./contract.ts";
import {
  checkpointsQuery,
  directoryQuery,
  distributionsQuery,
  filesPage,
  firstEntries,
  forEachPage,
  type ListingEntry,
} from "./listing-entries.ts";
import { LISTING_TAIL, listingHead, listingLine } from "./listing-html.ts";
import { listingJson, listingPage } from "./listing-json.ts";

/** Entries that are rendered in memory; longer directories go through a temporary file. */
const IN_MEMORY = 5000;
/** Long listings at a time: each holds a database connection while it is read. */
const longListings = new Turnstile(2);

const HTML = "text/html; charset=utf-8";
const JSON_TYPE = "application/json";

/** The page of a directory, or undefined if nothing lies there. */
export async function directoryListing(
  ctx: Ctx,
  request: ContentRequest,
  more: readonly string[],
): Promise<Listing | undefined> {
  const { match, path } = request;
  const directory = path === "" ? "" : `${path}/`;
  const served = match.publication ?? match.version;
  const page = { query: served && directoryQuery(match, directory), more };
  return htmlListing(ctx, match.domain, { ...page, title: shown(request), isRoot: false });
}

/** The flat listing of all files below a directory, or undefined if there are none. */
export async function jsonListing(ctx: Ctx, request: ContentRequest): Promise<Listing | undefined> {
  const directory = request.path === "" ? "" : `${request.path}/`;
  const page = listingPage(request.query);
  const files = await filesPage(ctx, request, { directory, ...page });
  if (files.count === 0) return undefined;
  const body = Buffer.from(listingJson(shown(request), page, files));
  return { kind: "listing", contentType: JSON_TYPE, body };
}

/** The checkpoints of a distribution; empty is a page too. */
export async function checkpointListing(ctx: Ctx, request: ContentRequest): Promise<Listing> {
  const query = checkpointsQuery(request.match);
  const { domain } = request.match;
  return namesListing(ctx, domain, { ...request, query, title: shown(request), isRoot: false });
}

/** Where in the tree of base paths a listing is. */
export interface DistributionsPlace {
  readonly domain: Match["domain"];
  /** `""` or `a/b` */
  readonly path: string;
  /** Request path of the root, for its title. */
  readonly root: string;
  readonly wantsJson: boolean;
  readonly query: URLSearchParams;
  /** Types whose distributions are not named. */
  readonly unlisted: readonly string[];
}

/** The next segments of all base paths (core-content §5.11). */
export async function distributionsListing(ctx: Ctx, place: DistributionsPlace): Promise<Listing> {
  const isRoot = place.path === "";
  const prefix = isRoot ? "" : `${place.path}/`;
  const query = distributionsQuery(place.domain, prefix, place.unlisted);
  const title = isRoot ? place.root : prefix;
  return namesListing(ctx, place.domain, {
    wantsJson: place.wantsJson,
    page: place.query,
    ...{ query, title, isRoot },
  });
}

const shown = ({ rawPath }: ContentRequest): string => decodeURIComponent(rawPath);

interface Rendered {
  readonly query: ReturnType<typeof directoryQuery> | null;
  /** Names beside those of the query. */
  readonly more?: readonly string[];
  readonly title: string;
  readonly isRoot: boolean;
}

/** A listing of names only, in the form that the client prefers. */
async function namesListing(
  ctx: Ctx,
  domain: Match["domain"],
  page: Rendered & { readonly wantsJson: boolean; readonly page?: URLSearchParams },
): Promise<Listing> {
  if (!page.wantsJson) {
    const html = await htmlListing(ctx, domain, page);
    return html ?? { kind: "listing", contentType: HTML, body: rendered(page, []) };
  }
  const { limit, offset } = listingPage(page.page ?? new URLSearchParams());
  const all = page.query ? await firstEntries(ctx.db, page.query, 100_000) : [];
  const entries = all.slice(offset, offset + limit);
  const text = listingJson(page.title, { limit, offset }, { count: all.length, entries });
  return { kind: "listing", contentType: JSON_TYPE, body: Buffer.from(text) };
}

async function htmlListing(
  ctx: Ctx,
  domain: Match["domain"],
  page: Rendered,
): Promise<Listing | undefined> {
  const { query, more = [] } = page;
  const first = query ? await firstEntries(ctx.db, query, IN_MEMORY + 1) : [];
  if (query && first.length > IN_MEMORY) {
    const body = await longListings.through(() => spooled(ctx, domain, { ...page, query, more }));
    return { kind: "listing", contentType: HTML, body };
  }
  const entries = merged(first, more);
  if (entries.length === 0) return undefined;
  return { kind: "listing", contentType: HTML, body: rendered(page, entries) };
}

const rendered = (page: Rendered, entries: readonly ListingEntry[]): Buffer =>
  Buffer.from(
    listingHead(page.title, page.isRoot) + entries.map(listingLine).join("") + LISTING_TAIL,
  );

/** Puts names without facts among the entries, in code point order. */
function merged(entries: readonly ListingEntry[], names: readonly string[]): ListingEntry[] {
  const known = new Set(entries.map(({ name }) => name));
  const added = names.filter((name) => !known.has(name));
  const all = [...entries, ...added.map((name) => ({ name, at: null, sizeBytes: null }))];
  return added.length === 0 ? all : all.sort((a, b) => byCodePoint(a.name, b.name));
}

const byCodePoint = (a: string, b: string): number =>
  Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Renders page by page into a temporary file of the store; plugin names come last there. */
async function spooled(
  ctx: Ctx,
  domain: Match["domain"],
  page: Rendered & {
    readonly query: ReturnType<typeof directoryQuery>;
    readonly more: readonly string[];
  },
): Promise<SpooledBody> {
  const file = await ctx.storage(domain).beginFile();
  const write = (text: string) =>
    new Promise<void>((resolve, reject) =>
      file.sink.write(text, (error) => (error ? reject(error) : resolve())),
    );
  try {
    file.sink.on("error", () => undefined);
    await write(listingHead(page.title, page.isRoot));
    await forEachPage(ctx, page.query, (entries) => write(entries.map(listingLine).join("")));
    await write(merged([], page.more).map(listingLine).join("") + LISTING_TAIL);
    return {
      sizeBytes: file.sizeBytes,
      read: (start, length) => file.read(start, length),
      [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
    };
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

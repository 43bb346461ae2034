import { Readable } from "node:stream";
import { CodedError } from "#base/errors.ts";
import type { Call } from "#sdk";
import { upstreamProjects } from "../pull/upstream-list.ts";
import { indexErrors } from "./errors.ts";
import { type IndexView, indexPage, membersAt, requireContent, viewOf } from "./index-pages.ts";
import { isShown, shelvesOf } from "./listing.ts";
import { sendLongList } from "./long-list.ts";
import { type Project, projects, SORTED_AT_ONCE } from "./members.ts";
import { isJson, mediaType, type SimpleType } from "./negotiate.ts";
import type { IndexPlace } from "./place.ts";
import { ruleBook } from "./rules.ts";
import { changedMs, sendPage } from "./send-page.ts";
import { namesOnShelves, type Shelves, shelfProjects } from "./shelf-members.ts";
import { redirect, SIMPLE_HEADERS, simpleTypeFor } from "./simple.ts";
import { htmlList, jsonList, type ListForm } from "./simple-pages.ts";

/** `simple/`: every project (plugin-python §6.3). */
export async function sendProjects(call: Call, place: IndexPlace): Promise<undefined> {
  if (place.isPublished) return redirect(call, place, "simple/");
  const type = simpleTypeFor(call);
  const form = isJson(type) ? jsonList : htmlList;
  const view = viewOf(call, place);
  requireContent(place);
  if (place.hasRemote) return sendWithUpstream(call, view, { type, form });
  if (packagesOf(view) > SORTED_AT_ONCE)
    return sendLongList(call, view, { type, text: () => formed(ownProjects(view), form) });
  const { page, isHit } = await indexPage(view, ["simple", type], () => ownList(view, form));
  if (page) {
    const dated = place.version ? { lastModifiedMs: changedMs(place.version) } : {};
    const headers = SIMPLE_HEADERS;
    sendPage(call, place, { page, isHit, ...dated, type: mediaType(type), headers });
  }
  return undefined;
}

/** What an index lists of its own, as one text. */
export async function ownList(view: IndexView, form: ListForm): Promise<string> {
  const parts: string[] = [];
  for await (const part of formed(ownProjects(view), form)) parts.push(part);
  return parts.join("");
}

interface Asked {
  readonly type: SimpleType;
  readonly form: ListForm;
}

/** How many packages lie in an index. */
export const packagesOf = (view: IndexView): number =>
  shelvesOf(view).reduce((sum, { version }) => sum + (version?.packages ?? 0), 0);

/** What lies on the shelves that the caller sees. */
const shelvesShown = (view: IndexView): Shelves => ({
  domain: view.domain.num,
  versions: shelvesOf(view)
    .filter((shelf) => isShown(view, shelf))
    .map(({ version }) => version),
});

/** The projects of the index itself, of which something may be shown. */
async function* ownProjects(view: IndexView): AsyncGenerator<readonly Project[]> {
  const { ctx, place } = view;
  const isOut = outOf(view, place);
  const all = place.members
    ? shelfProjects(ctx, shelvesShown(view))
    : projects(ctx, membersAt(place));
  for await (const some of all) yield some.filter(({ name_normalized: name }) => !isOut(name));
}

function outOf({ ctx }: IndexView, { object, updated, rules }: IndexPlace) {
  const book = ruleBook(ctx, { id: object.id, updated, rules });
  return (name: string): boolean => book.isOut(name);
}

/** Names of several upstreams that are remembered, so that none is told twice. */
const MOST_REMEMBERED = 200_000;

/** What upstreams list beside that, as it comes; names that belong to members are not told again. */
async function* upstreamOnly(view: IndexView): AsyncGenerator<readonly Project[]> {
  const { ctx, domain, place } = view;
  const versions = shelvesOf(view).map(({ version }) => version);
  const shelves = shelvesOf(view).filter((one) => one.hasRemote && isShown(view, one));
  const books = [place, ...shelvesOf(view)].map(({ object, updated, rules }) =>
    ruleBook(ctx, { id: object.id, updated, rules }),
  );
  const told = new Set<string>();
  for (const shelf of shelves) {
    const isOut = [place, shelf].map((one) => outOf(view, one));
    const listed = upstreamProjects(ctx, { domain, distribution: shelf.object.id });
    for await (const some of listed) {
      const fresh = some.filter(
        ({ name_normalized: name }) =>
          !told.has(name) &&
          !isOut.some((test) => test(name)) &&
          !books.some((book) => book.isPrivate(name)),
      );
      const names = fresh.map(({ name_normalized: name }) => name);
      const known = await namesOnShelves(ctx, { domain: domain.num, versions }, names);
      if (shelves.length > 1 && told.size < MOST_REMEMBERED)
        for (const name of names) told.add(name);
      yield fresh.filter(({ name_normalized: name }) => !known.has(name));
    }
  }
}

async function* chained<Item>(...all: readonly AsyncIterable<Item>[]): AsyncGenerator<Item> {
  for (const one of all) yield* one;
}

/** A list that upstreams add to is never in memory as a whole. */
async function sendWithUpstream(
  call: Call,
  view: IndexView,
  { type, form }: Asked,
): Promise<undefined> {
  const { ctx, request, reply } = call;
  const upstream = upstreamOnly(view);
  const first = await firstOf(upstream);
  if ("error" in first) {
    ctx.log.warn(`The list of upstream cannot be had: ${first.error.message}`);
    if (view.place.members) throw indexErrors.unreachable(view.place.basePath);
    if (view.place.version === null) {
      reply.code(502).send("The list of projects cannot be had from upstream.");
      return undefined;
    }
  }
  const own = view.place.version || view.place.members ? ownProjects(view) : nothing();
  const begun = "error" in first ? nothing() : chained(one(first.value), upstream);
  const parts = formed(chained(own, begun), form);
  reply.headers({
    ...SIMPLE_HEADERS,
    "content-type": mediaType(type),
    "cache-control": "no-cache",
    vary: "Accept",
  });
  if (request.method === "HEAD") {
    await upstream.return(undefined);
    reply.send(Readable.from([]));
  } else reply.send(Readable.from(parts));
  return undefined;
}

/** With the first projects it is known that there is a list. */
async function firstOf(
  upstream: AsyncGenerator<readonly Project[]>,
): Promise<{ readonly value: readonly Project[] } | { readonly error: CodedError }> {
  try {
    return { value: (await upstream.next()).value ?? [] };
  } catch (error) {
    if (error instanceof CodedError) return { error };
    throw error;
  }
}

async function* nothing(): AsyncGenerator<never> {
  // A list of no projects.
}

async function* one<Item>(item: Item): AsyncGenerator<Item> {
  yield item;
}

/** The text of a list, piece by piece. */
async function* formed(
  some: AsyncIterable<readonly Project[]>,
  form: ListForm,
): AsyncGenerator<string, undefined> {
  yield form.start;
  let isFirst = true;
  for await (const piece of some) {
    if (piece.length === 0) continue;
    yield form.part(piece, isFirst);
    isFirst = false;
  }
  yield form.end;
}

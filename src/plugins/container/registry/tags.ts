import { STANDARD_HEADERS, sendAnswer } from "./answers.ts";
import type { Moment } from "./memory.ts";
import { type Page, pageLinks, pageOf } from "./paging.ts";
import type { Place } from "./places.ts";
import { noteRequest } from "./recall.ts";
import { type Registry, type RepositoryVisit, servedPlace } from "./registry.ts";

/** Names of tags in the order of their bytes, page by page. */
export function serveTags(registry: Registry, visit: RepositoryVisit): undefined | Promise<void> {
  const page = pageOf(visit);
  const { moment } = registry.memory;
  const place = registry.memory.place(visit.name);
  if (place instanceof Promise) return serveFresh(registry, visit, { page, place, moment });
  const key = keyOf(visit, place, page);
  const kept = key === undefined ? undefined : registry.memory.answer(key);
  if (key === undefined || !kept) return serveFresh(registry, visit, { page, place, moment });
  noteRequest(registry, visit, { place, key, type: null });
  return sendAnswer(registry, visit.exchange, kept);
}

/**
 * Pages that are kept: the first ones, since anybody can ask for pages after any name. Upstreams of
 * caches are asked each time. The address of the next page stands in it.
 */
const keyOf = (
  { exchange }: RepositoryVisit,
  { distribution, remote }: Place,
  { size, last }: Page,
): string | undefined =>
  remote === null && last === "" ? `${distribution} tags ${size} ${exchange.rawPath}` : undefined;

interface Asked {
  readonly page: Page;
  readonly place: Place | Promise<Place | undefined>;
  readonly moment: Moment;
}

async function serveFresh(
  registry: Registry,
  visit: RepositoryVisit,
  { page, place: asked, moment }: Asked,
): Promise<void> {
  const place = await servedPlace(registry, visit, asked);
  const { size, last } = page;
  const local = size === 0 ? [] : await registry.tagNames.after(place, { last, limit: size + 1 });
  const others = await registry.upstream.tags(visit, place);
  const found = others.length === 0 ? local : joined(local, others, page);
  const { names, headers } = pageLinks(visit, page, found);
  const bytes = Buffer.from(JSON.stringify({ name: visit.name.full, tags: names }));
  const answer = registry.tools.sender.frequent(bytes, {
    headers: { ...STANDARD_HEADERS, "Content-Type": "application/json", ...headers },
  });
  const key = keyOf(visit, place, page);
  if (key !== undefined) registry.memory.keep(key, answer, { place, moment });
  await sendAnswer(registry, visit.exchange, answer);
}

/** Those of the page and one more, of both lists; names of tags sort by code unit as by byte. */
function joined(local: readonly string[], others: readonly string[], page: Page): string[] {
  const after = others.filter((name) => name > page.last);
  return [...new Set([...local, ...after])].sort().slice(0, page.size + 1);
}

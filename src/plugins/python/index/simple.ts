import type { Call } from "#sdk";
import { normalizeName } from "../format/names.ts";
import { contentUrl } from "./addresses.ts";
import { type IndexView, indexPage, requireContent, urlsOf, viewOf } from "./index-pages.ts";
import { listingOf, pageFiles } from "./listing.ts";
import { escaped } from "./markup.ts";
import { isJson, mediaType, type SimpleType, simpleType } from "./negotiate.ts";
import type { IndexPlace } from "./place.ts";
import { changedMs, freshPage, sendPage } from "./send-page.ts";
import { type Listing, NO_NOTES, noteLines, type PageNotes } from "./shown.ts";
import { LAST_SERIAL, projectHtml, projectJson } from "./simple-pages.ts";

export const SIMPLE_HEADERS = { "x-pypi-last-serial": String(LAST_SERIAL) };

export const simpleTypeFor = ({ request, query }: Call): SimpleType =>
  simpleType(request.headers.accept, query.get("format"));

/** `simple/<project>/`: the files of a project under any spelling of its name. */
export async function sendProject(
  call: Call,
  place: IndexPlace,
  spelling: string,
): Promise<undefined> {
  const name = normalizeName(spelling);
  if (place.isPublished && !place.hasRemote) {
    return redirect(call, place, `simple/${encodeURIComponent(name)}/`);
  }
  requireContent(place);
  const type = simpleTypeFor(call);
  const view = viewOf(call, place);
  let notes = NO_NOTES;
  const made = async () => {
    const listing = await listingOf(view, name, pageFiles);
    ({ notes } = listing);
    return projectText(view, name, { listing, type });
  };
  const { page, isHit } = place.hasRemote
    ? await freshPage(made)
    : await indexPage(view, ["project", type, name], made);
  if (!page) return sendMissing(call, missingText(name, notes));
  const dated =
    place.version && !place.hasRemote ? { lastModifiedMs: changedMs(place.version) } : {};
  sendPage(call, place, { page, isHit, ...dated, type: mediaType(type), headers: SIMPLE_HEADERS });
  return undefined;
}

export function projectText(
  view: IndexView,
  name: string,
  of: { readonly listing: Listing; readonly type: SimpleType },
): string | undefined {
  if (of.listing.files.length === 0) return undefined;
  const page = isJson(of.type) ? projectJson : projectHtml;
  return page(name, of.listing, urlsOf(view));
}

/** That there is nothing, and why if there is a reason. */
export const missingText = (name: string, notes: PageNotes): string =>
  [`${name} does not exist.`, ...noteLines(notes)].join(" ");

/** Clients go on to their next index after a 404. */
export function sendMissing({ reply }: Call, text: string): undefined {
  reply
    .code(404)
    .headers({ ...SIMPLE_HEADERS, "content-type": "text/html; charset=utf-8" })
    .send(Buffer.from(escaped(text)));
  return undefined;
}

/** The content app has the pages of a publication. */
export function redirect(call: Call, { basePath }: IndexPlace, path: string): undefined {
  const { ctx, caller, reply } = call;
  const base = contentUrl({ ctx, domain: caller.domain.name, basePath });
  reply.code(302).header("location", `${base}${path}`).send();
  return undefined;
}

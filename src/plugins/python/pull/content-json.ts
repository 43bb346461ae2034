import type { Ctx } from "#sdk";
import { normalizeName } from "../format/names.ts";
import type { IndexView } from "../index/index-pages.ts";
import { urlsOf } from "../index/index-pages.ts";
import { listingOf, pageFiles } from "../index/listing.ts";
import { SORTED_AT_ONCE } from "../index/members.ts";
import { askedBy, metadataOf } from "../index/metadata.ts";
import { JSON_TYPE } from "../index/negotiate.ts";
import { ownList, packagesOf } from "../index/project-list.ts";
import { noteLines } from "../index/shown.ts";
import { missingText } from "../index/simple.ts";
import { jsonList, LAST_SERIAL, projectJson } from "../index/simple-pages.ts";
import { type ContentAnswer, type ContentRequest, contentView } from "./content-view.ts";

/**
 * The pages of an index for clients of the content app that prefer JSON (plugin-python §15):
 * `simple/`, `simple/<project>/`, `pypi/<project>/` and `pypi/<project>/<version>/`.
 */
export async function resolveJson(ctx: Ctx, request: ContentRequest): Promise<ContentAnswer> {
  const [kind, name, version, ...more] = request.path.split("/");
  if ((kind !== "simple" && kind !== "pypi") || more.length > 0) return undefined;
  if (kind === "pypi" && name !== undefined) return metadata(ctx, request, { name, version });
  if (kind === "pypi" || version !== undefined) return undefined;
  const view = await contentView(ctx, request);
  if (!view) return undefined;
  return name === undefined ? projectList(view) : project(view, normalizeName(name));
}

/** `pypi/<project>/json` and `pypi/<project>/<version>/json` of a publication, as the index has it. */
export async function publishedMetadata(ctx: Ctx, request: ContentRequest): Promise<ContentAnswer> {
  const [kind, ...rest] = request.path.split("/");
  if (kind !== "pypi" || request.match.distribution.publication === null) return undefined;
  const asked = askedBy(rest.join("/"));
  return asked && metadata(ctx, request, asked);
}

async function metadata(
  ctx: Ctx,
  request: ContentRequest,
  { name, version }: { readonly name: string; readonly version: string | undefined },
): Promise<ContentAnswer> {
  const view = await contentView(ctx, request);
  if (!view) return undefined;
  const { text, notes } = await metadataOf(view, { name: normalizeName(name), version });
  if (text !== undefined) return pageReply(view, "application/json", text);
  const reason = noteLines(notes).join(" ");
  return { kind: "missing", ...(reason === "" ? {} : { reason }) };
}

/** A long list, or one that an upstream adds to, is at the index, which sends it piece by piece. */
async function projectList(view: IndexView): Promise<ContentAnswer> {
  if (view.place.hasRemote || packagesOf(view) > SORTED_AT_ONCE) {
    const location = `${urlsOf(view).index}simple/?format=json`;
    return { kind: "redirect", status: 302, location };
  }
  return pageReply(view, JSON_TYPE, await ownList(view, jsonList));
}

async function project(view: IndexView, name: string): Promise<ContentAnswer> {
  const listing = await listingOf(view, name, pageFiles);
  if (listing.files.length === 0) {
    return { kind: "missing", reason: missingText(name, listing.notes) };
  }
  return pageReply(view, JSON_TYPE, projectJson(name, listing, urlsOf(view)));
}

/** What upstreams and members say may change without a change of the distribution itself. */
export const pageReply = ({ place }: IndexView, type: string, body: string): ContentAnswer => ({
  kind: "reply",
  status: 200,
  headers: { "Content-Type": type, "X-PyPI-Last-Serial": String(LAST_SERIAL), Vary: "Accept" },
  body,
  isCacheable: !place.hasRemote && !place.members,
});

import type { Ctx } from "#sdk";
import { normalizeName } from "../format/names.ts";
import { urlsOf } from "../index/index-pages.ts";
import { listingOf, pageFiles } from "../index/listing.ts";
import { SORTED_AT_ONCE } from "../index/members.ts";
import { ownList, packagesOf } from "../index/project-list.ts";
import { ruleBook } from "../index/rules.ts";
import { missingText } from "../index/simple.ts";
import { htmlList, projectHtml } from "../index/simple-pages.ts";
import { pageReply } from "./content-json.ts";
import { type ContentAnswer, type ContentRequest, contentView } from "./content-view.ts";
import { servedRules } from "./gate.ts";

const HTML = "text/html; charset=utf-8";

/**
 * A page below `simple/` of a publication whose distribution has rules: those of the publication
 * list every file of the version, whatever the index that shows it denies. A list of very many
 * projects, which names no release, stays as it was published.
 *
 * @returns undefined where the page of the publication says nothing that may not be shown.
 */
export async function ruledPage(ctx: Ctx, request: ContentRequest): Promise<ContentAnswer> {
  const { match, wantsJson } = request;
  const page = pageOf(request);
  if (page === undefined || wantsJson || match.distribution.publication === null) return undefined;
  const rules = await servedRules(ctx, request);
  const { id } = match.distribution;
  if (!rules || ruleBook(ctx, { id, updated: rules.updated, rules }).isEmpty) return undefined;
  const view = await contentView(ctx, request);
  if (!view) return undefined;
  if (page.project === undefined) {
    if (packagesOf(view) > SORTED_AT_ONCE) return undefined;
    return pageReply(view, HTML, await ownList(view, htmlList));
  }
  const listing = await listingOf(view, page.project, pageFiles);
  return listing.files.length === 0
    ? { kind: "missing", reason: missingText(page.project, listing.notes) }
    : pageReply(view, HTML, projectHtml(page.project, listing, urlsOf(view)));
}

/** `simple/`, `simple/<project>/` and their files `index.html`. */
function pageOf({
  path,
  isDirectory,
}: Pick<ContentRequest, "path" | "isDirectory">): { readonly project?: string } | undefined {
  const [root, ...rest] = path.split("/");
  if (root !== "simple") return undefined;
  if (!isDirectory && rest.pop() !== "index.html") return undefined;
  const [project, ...more] = rest;
  if (more.length > 0) return undefined;
  return project === undefined ? {} : { project: normalizeName(project) };
}

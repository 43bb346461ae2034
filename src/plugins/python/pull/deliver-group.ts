import type { ContentHandler, Ctx } from "#sdk";
import { type IndexView, urlsOf } from "../index/index-pages.ts";
import { listingOf, pageFiles } from "../index/listing.ts";
import { findIndex } from "../index/place.ts";
import { missingText } from "../index/simple.ts";
import { fileUrl } from "../index/simple-pages.ts";
import { metadataFileUrl } from "../mirror/address.ts";
import type { NamedFile } from "./gate.ts";

type Request = Parameters<NonNullable<ContentHandler["resolve"]>>[1];
type Answer = Awaited<ReturnType<NonNullable<ContentHandler["resolve"]>>>;

/** A file of a group is that of a member, where the client is sent. */
export async function sendToMember(ctx: Ctx, request: Request, file: NamedFile): Promise<Answer> {
  const { domain, distribution } = request.match;
  const basePaths = [distribution.basePath];
  const place = await findIndex(ctx, { domain: domain.num, basePaths });
  if (!place?.members) return undefined;
  // Who asks is not known here, so that members with a guard are told on the pages only.
  const parts = place.members.filter(({ guard }) => guard === null);
  const view: IndexView = { ctx, domain, place: { ...place, parts } };
  const listing = await listingOf(view, file.name, pageFiles);
  const found = listing.files.find(({ filename }) => filename === file.filename);
  if (!found) {
    const isTold = listing.notes.withheld.some(({ version }) => version === file.version);
    const reason = missingText(file.filename, listing.notes);
    return { kind: "missing", status: isTold ? 403 : 404, reason };
  }
  const url = fileUrl(found, urlsOf(view));
  const isMetadata = request.path.endsWith(".metadata");
  return { kind: "redirect", status: 302, location: isMetadata ? metadataFileUrl(url) : url };
}

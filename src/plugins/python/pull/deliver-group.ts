import type { Ctx } from "#sdk";
import { urlsOf } from "../index/index-pages.ts";
import { listingOf, pageFiles } from "../index/listing.ts";
import { EVERY } from "../index/shown.ts";
import { missingText } from "../index/simple.ts";
import { fileUrl } from "../index/simple-pages.ts";
import { metadataFileUrl } from "../mirror/address.ts";
import { type ContentAnswer, type ContentRequest, contentView } from "./content-view.ts";
import type { NamedFile } from "./gate.ts";

/** A file of a group is that of a member, where the client is sent. */
export async function sendToMember(
  ctx: Ctx,
  request: ContentRequest,
  file: NamedFile,
): Promise<ContentAnswer> {
  const view = await contentView(ctx, request);
  if (!view?.place.members) return undefined;
  const listing = await listingOf(view, file.name, pageFiles);
  const found = listing.files.find(({ filename }) => filename === file.filename);
  if (!found) {
    const isTold = listing.notes.withheld.some(
      ({ version }) => version === file.version || version === EVERY,
    );
    const reason = missingText(file.filename, listing.notes);
    return { kind: "missing", status: isTold ? 403 : 404, reason };
  }
  const url = fileUrl(found, urlsOf(view));
  const isMetadata = request.path.endsWith(".metadata");
  return { kind: "redirect", status: 302, location: isMetadata ? metadataFileUrl(url) : url };
}

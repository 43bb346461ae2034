import type { Plugin } from "#sdk";
import { knownText } from "../identity/decode.ts";
import { identityFinder, readableDocument } from "../identity/header.ts";
import { prependTrueClient } from "./client-address.ts";

/** What the content app does around each request (service §12.2). */
export const onDownload: NonNullable<Plugin["onDownload"]> = (ctx) => {
  const identityIn = identityFinder(ctx);
  return (request, response) => {
    prependTrueClient(request);
    const document = readableDocument(identityIn(request));
    const organisation = document && knownText(document, "org_id");
    // Of every answer, whatever it becomes: 200, a redirect or a refusal.
    if (organisation !== undefined && FIT.test(organisation)) {
      response.setHeader("x-rh-org-id", organisation);
    }
  };
};

/** What a header may hold; anything else is nobody's organisation. */
const FIT = /^[\x21-\x7e]([\x20-\x7e]{0,148}[\x21-\x7e])?$/;

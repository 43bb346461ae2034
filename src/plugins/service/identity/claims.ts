import type { IncomingMessage } from "node:http";
import type { Caller, Ctx } from "#sdk";
import { serviceSettingsOf } from "../settings.ts";
import { identityFinder, organisationOf, readableDocument } from "./header.ts";

/** Name of the claim that holds the organisation of the one who asks. */
const ORGANISATION = "service.org_id";

/** What the gateway says about requests: their organisation, also of those whom no class recognises. */
export function claimsReader(ctx: Ctx): (raw: IncomingMessage) => Caller["claims"] {
  const identityIn = identityFinder(ctx);
  const { ORG_ID_FALLBACK } = serviceSettingsOf(ctx);
  return (raw) => {
    const document = readableDocument(identityIn(raw));
    const organisation = document && organisationOf(document, ORG_ID_FALLBACK);
    return organisation === undefined ? undefined : { [ORGANISATION]: organisation };
  };
}

export const callerOrganisation = ({ claims }: Pick<Caller, "claims">): string | undefined =>
  claims?.[ORGANISATION];

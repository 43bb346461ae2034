import type { IncomingMessage } from "node:http";
import type { Ctx } from "#sdk";
import { knownText } from "../identity/decode.ts";
import { identityFinder, readableDocument } from "../identity/header.ts";
import { storable } from "./package-name.ts";

/** How a user is told apart from others (service §9.4, §20). */
export type UserKind = "service_account" | "org_only" | "email" | "username";

/** Who asked, as far as it is known. */
export interface Visitor {
  readonly user: string | null;
  readonly organisation: string | null;
  /** Null for strangers. */
  readonly kind: UserKind | null;
}

/** In the order of precedence, as lines of the log name users (service §12.1). */
const USER_PATHS = ["user.username", "x509.subject_dn", "associate.email", "registry.username"];
const ORGANISATION_PATHS = ["org_id", "registry.org_id"];

/**
 * Tells who asks by the header of the gateway, and by the user that the request was recognised as.
 * Somebody who is recognised by that header goes by the name that stands in it, whatever the class
 * puts before it.
 */
export function visitorFinder(ctx: Ctx): (raw: IncomingMessage, username?: string) => Visitor {
  const identityIn = identityFinder(ctx);
  return (raw, username) => {
    const document = readableDocument(identityIn(raw));
    const first = (paths: readonly string[]) =>
      document && paths.map((path) => knownText(document, path)).find((text) => text !== undefined);
    const told = first(USER_PATHS);
    const organisation = first(ORGANISATION_PATHS);
    const isTold =
      username === undefined ||
      (told !== undefined && (username === told || username.endsWith(`|${told}`)));
    const user = isTold ? told : username;
    const isAccount = document !== undefined && user === knownText(document, "x509.subject_dn");
    return {
      user: user === undefined ? null : storable(user),
      organisation: organisation === undefined ? null : storable(organisation),
      kind: kindOf(user, organisation, isAccount),
    };
  };
}

function kindOf(
  user: string | undefined,
  organisation: string | undefined,
  isAccount: boolean,
): UserKind | null {
  if (user === undefined) return organisation === undefined ? null : "org_only";
  if (isAccount || user.startsWith("/O=")) return "service_account";
  return user.includes("@") ? "email" : "username";
}

import type { JsonObject } from "#base/json.ts";
import { type Ctx, gateway, type Plugin } from "#sdk";
import { admittedUser } from "../accounts/admit.ts";
import { serviceErrors } from "../errors.ts";
import { serviceSettingsOf } from "../settings.ts";
import { BROKEN, textAt } from "./decode.ts";
import { documentOf, identityFinder, organisationOf } from "./header.ts";
import { organisationGroups } from "./org-groups.ts";

type AuthenticationClass = NonNullable<Plugin["authentication"]>[number];

/** A text of the document; undefined leaves the request to the next class. */
function given(document: JsonObject, path: string): string | undefined {
  const text = textAt(document, path);
  if (text === BROKEN) throw serviceErrors.invalid();
  return text;
}

const withOrganisation = (document: JsonObject, path: string, name: string | undefined) =>
  name === undefined ? undefined : `${given(document, path) ?? ""}|${name}`;

interface HeaderClass {
  readonly name: string;
  /** Names in the setting, without the module. */
  readonly identifiers: readonly string[];
  readonly defaultRank: number;
  readonly isChallenging: boolean;
  /** Who succeeds becomes a member of the group of its organisation. */
  readonly joinsOrganisation: boolean;
  username(document: JsonObject): string | undefined;
  /** How a client gets past the gateway; that of the setting without it. */
  readonly scheme?: AuthenticationClass["scheme"];
  /** What the name becomes, or the refusal of it. */
  readonly admit?: typeof admittedUser;
}

/** Header classes in the order that they have without the setting (service §3). */
const HEADER_CLASSES: readonly HeaderClass[] = [
  {
    name: "certificate",
    identifiers: ["RHServiceAccountCertAuthentication"],
    defaultRank: 10,
    isChallenging: true,
    joinsOrganisation: true,
    username: (document) => given(document, "x509.subject_dn"),
    scheme: () => ({ name: "certificateAuthentication", value: { type: "mutualTLS" } }),
    admit: admittedUser,
  },
  {
    name: "saml",
    identifiers: ["RHSamlAuthentication"],
    defaultRank: 20,
    isChallenging: false,
    joinsOrganisation: false,
    username: (document) => given(document, "associate.email"),
  },
  {
    name: "terms",
    identifiers: ["RHTermsBasedRegistryAuthentication", "RHEntitlementCertAuthentication"],
    defaultRank: 50,
    isChallenging: true,
    joinsOrganisation: true,
    username: (document) => withOrganisation(document, "org_id", given(document, "user.username")),
  },
  {
    name: "turnpike",
    identifiers: ["TurnpikeTermsBasedRegistryAuthentication"],
    defaultRank: 60,
    isChallenging: true,
    joinsOrganisation: true,
    username: (document) =>
      given(document, "auth_type") === "registry-auth"
        ? withOrganisation(document, "registry.org_id", given(document, "registry.username"))
        : undefined,
  },
];

const MODULE = "pulp_service.app.authentication.";

/** Recognises who asks by the header of a gateway, under the names of the peer's settings. */
export const headerAuthentication: readonly AuthenticationClass[] = [
  ...HEADER_CLASSES.map(headerClass),
  {
    name: "service_account",
    identifiers: [`${MODULE}DeprecateCRHCSA`],
    challenge: () => "Bearer",
    open: openDeprecated,
  },
];

function headerClass(one: HeaderClass): AuthenticationClass {
  return {
    name: one.name,
    identifiers: one.identifiers.map((name) => MODULE + name),
    defaultRank: one.defaultRank,
    ...(one.isChallenging ? { challenge: () => "Bearer" } : {}),
    scheme: one.scheme ?? gateway.scheme,
    open: (ctx) => openClass(ctx, one),
  };
}

function openClass(ctx: Ctx, { username, joinsOrganisation, admit }: HeaderClass) {
  const identityIn = identityFinder(ctx);
  const identityOf = gateway.remoteUsers(ctx);
  const groups = organisationGroups(ctx);
  const { ORG_ID_FALLBACK } = serviceSettingsOf(ctx);
  const authenticate: ReturnType<AuthenticationClass["open"]> = async (request) => {
    const document = documentOf(identityIn(request.raw));
    const name = document && username(document);
    if (!document || name === undefined) return undefined;
    const organisation = organisationOf(document, ORG_ID_FALLBACK);
    const admitted = admit ? await admit(ctx, name, organisation) : name;
    const identity = await identityOf(admitted, request);
    if (!identity || !joinsOrganisation) return identity;
    if (organisation !== undefined) await groups.join(identity.user, organisation);
    return identity;
  };
  return authenticate;
}

/** Service accounts were recognised by their name once; that they still come that way is logged. */
function openDeprecated(ctx: Ctx): ReturnType<AuthenticationClass["open"]> {
  const identityIn = identityFinder(ctx);
  return async (request) => {
    const document = documentOf(identityIn(request.raw));
    const name = document && given(document, "service_account.username");
    if (name !== undefined) {
      ctx.log.warn(
        `Service account ${JSON.stringify(name)} is no longer recognised by its name; it needs a certificate.`,
      );
    }
    return undefined;
  };
}

import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { keep } from "../../rest/authorisation/world.ts";
import type { RequestOptions, TestApi } from "../../support/rest-api.ts";
import { createTenant } from "../../support/tenants.ts";
import {
  as,
  below,
  CLASSES,
  certificate,
  createService,
  make,
  makeGroup,
  STRANGER,
  saml,
  user,
} from "./support.ts";

/** Five domains, and whose they are. */
export const DOMAINS = ["a-one", "a-two", "b-one", "public-b", "lightwell"] as const;
export type Domain = (typeof DOMAINS)[number];

/** Whom the gateway knows, and what he has; written by hand, never asked from the program. */
export interface Somebody {
  readonly options: RequestOptions;
  /** Whether he is anybody: a user. */
  readonly isKnown: boolean;
  readonly isAdmin?: true;
  readonly has: readonly Domain[];
  /** By the group of readers. */
  readonly reads?: readonly Domain[];
}

const known = (
  identity: object,
  has: readonly Domain[],
  more: Partial<Somebody> = {},
): Somebody => ({
  options: as(identity),
  isKnown: true,
  has,
  ...more,
});

const ORG_2: readonly Domain[] = ["b-one", "public-b", "lightwell"];

/** Two organisations with users and accounts, administrators by SAML, and those on the way. */
export const PEOPLE: Readonly<Record<string, Somebody>> = {
  ana: known(user("ana", "1"), ["a-one"]),
  ben: known(user("ben", 1), ["a-one"]),
  "account of 1": known(certificate("/O=One/CN=bot", "1"), ["a-one"]),
  eve: known(user("eve", "2"), ORG_2),
  "account of 2": known(certificate("/O=Two/CN=bot", " 2 "), ORG_2),
  "account of none": known(certificate("/CN=lone"), []),
  "outer organisation only": known({ org_id: "1", user: { username: "outer" } }, []),
  sam: known(saml("sam@example.org"), ["a-two"]),
  "another by SAML": known(saml("other@example.org"), []),
  "zoe of the crew": known(user("zoe", "3"), ["a-two"]),
  reader: known(saml("reader@example.org"), [], { reads: ["lightwell"] }),
  "host of 1": {
    options: as({ internal: { org_id: "1" }, system: { cn: "host" } }),
    isKnown: false,
    has: [],
  },
  stranger: { options: STRANGER, isKnown: false, has: [] },
  admin: { options: {}, isKnown: true, isAdmin: true, has: DOMAINS },
};

export interface Organisations {
  readonly api: TestApi;
  /** By domain and path of the resource: an object of it, whose name has the canary in it. */
  readonly hrefs: ReadonlyMap<Domain, ReadonlyMap<string, string>>;
}

/** What names of objects of a domain have in them, and no other text. */
export const canary = (domain: Domain): string => `canary${DOMAINS.indexOf(domain)}x`;

export async function createOrganisations(t: TestContext): Promise<Organisations> {
  const { certificate: first, basic, session, terms, saml: second } = CLASSES;
  const api = await createService(t, { classes: [first, second, basic, session, terms] });
  const hrefs = new Map<Domain, ReadonlyMap<string, string>>();
  for (const name of DOMAINS)
    hrefs.set(name, (await createTenant(api, name, { suffix: canary(name) })).hrefs);
  for (const { options } of Object.values(PEOPLE))
    await api.get(below("default", "login/"), options);
  await makeGroup(api, "crew", ["3|zoe"]);
  await makeGroup(api, "Lightwell-ReadOnly", ["reader@example.org"]);
  for (const link of [
    { org_id: "1", domains: ["a-one"] },
    { org_id: "2", domains: ORG_2 },
    { user: "sam@example.org", domains: ["a-two"] },
    { group: "crew", domains: ["a-two"] },
  ])
    assert.ok(await make(api, below("default", "domain_orgs/"), link));
  await keep(api);
  return { api, hrefs };
}

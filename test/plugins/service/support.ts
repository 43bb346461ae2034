import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { python } from "#plugins/python/plugin.ts";
import { service } from "#plugins/service/plugin.ts";
import type { ContextOptions } from "../../support/context.ts";
import {
  createTestApi,
  type RequestOptions,
  type TestAnswer,
  type TestApi,
} from "../../support/rest-api.ts";
import { endedTask } from "../../support/run-tasks.ts";

const MODULE = "pulp_service.app.authentication.";

/** Names in the settings, in the order of the peer's deployment (service §3). */
export const CLASSES = {
  certificate: `${MODULE}RHServiceAccountCertAuthentication`,
  basic: "pulpcore.app.authentication.BasicAuthentication",
  session: "rest_framework.authentication.SessionAuthentication",
  terms: `${MODULE}RHTermsBasedRegistryAuthentication`,
  saml: `${MODULE}RHSamlAuthentication`,
  turnpike: `${MODULE}TurnpikeTermsBasedRegistryAuthentication`,
  deprecated: `${MODULE}DeprecateCRHCSA`,
} as const;

const DEPLOYED = [CLASSES.certificate, CLASSES.basic, CLASSES.session, CLASSES.terms];

export const DOMAIN_BASED = "pulp_service.app.authorization.DomainBasedPermission";
export const RBAC = "pulp_service.app.access_policy.PulpServiceAccessPolicy";

export const serviceSettings = (classes: readonly string[] = DEPLOYED, more: object = {}) => ({
  DOMAIN_ENABLED: true,
  REST_FRAMEWORK: {
    DEFAULT_AUTHENTICATION_CLASSES: classes,
    DEFAULT_PERMISSION_CLASSES: [DOMAIN_BASED],
  },
  AUTHENTICATION_BACKENDS: ["django.contrib.auth.backends.RemoteUserBackend"],
  ...more,
});

/** The API of a hosted service: the plugins file, python and service, domains on. */
export const createService = (
  t: TestContext,
  { classes, ...more }: { readonly classes?: readonly string[] } & Record<string, unknown> = {},
  parts: Pick<ContextOptions, "redis" | "scanner"> = {},
): Promise<TestApi> =>
  createTestApi(t, {
    ...parts,
    shipped: [python, service],
    settings: serviceSettings(classes, more),
  });

export const base64 = (bytes: string | Buffer): string => Buffer.from(bytes).toString("base64");

/** What the gateway sends for an identity. */
export const headersFor = (identity: unknown): Readonly<Record<string, string>> => ({
  "x-rh-identity": base64(JSON.stringify({ identity })),
});

/** Somebody of an organisation who came by single sign-on. */
export const user = (username: string, org?: string | number) => ({
  type: "User",
  ...(org === undefined ? {} : { org_id: org, internal: { org_id: org } }),
  user: { username },
});

export const certificate = (subject_dn: string, org?: string) => ({
  type: "X509",
  ...(org === undefined ? {} : { internal: { org_id: org } }),
  x509: { subject_dn, issuer_dn: "/O=Example CA" },
});

export const saml = (email: string) => ({ type: "Associate", associate: { email } });

/** Options of a request with the header of a gateway and nothing else. */
export const as = (identity: unknown, more: RequestOptions = {}): RequestOptions => ({
  user: null,
  ...more,
  headers: { ...headersFor(identity), ...more.headers },
});

export const STRANGER: RequestOptions = { user: null };

/** Path of an address in a domain. */
export const below = (domain: string, path: string): string => `/pulp/${domain}/api/v3/${path}`;

/** Makes a domain as somebody, whose it is then. */
export async function makeDomain(api: TestApi, name: string, who: RequestOptions) {
  const json = {
    name,
    storage_class: "pulpcore.app.models.storage.FileSystem",
    storage_settings: { MEDIA_ROOT: "" },
  };
  const made = await api.request("POST", below("default", "domains/"), { ...who, json });
  assert.equal(made.status, 201, `${made.text} ${api.logged.at(-1)}`);
  return made.body as { readonly pulp_href: string; readonly name: string };
}

/** Makes a group with members who are there already. */
export async function makeGroup(api: TestApi, name: string, members: readonly string[]) {
  const made = await api.request("POST", below("default", "groups/"), { json: { name } });
  assert.equal(made.status, 201, made.text);
  for (const username of members) {
    const path = `${made.body.pulp_href}users/`;
    const added = await api.request("POST", path, { json: { username } });
    assert.equal(added.status, 201, added.text);
  }
}

/** The names of the groups of a user. */
export async function groupsOf({ ctx }: TestApi, username: string): Promise<readonly string[]> {
  const rows = await ctx.db
    .selectFrom("group_member")
    .innerJoin("app_user", "app_user.id", "group_member.app_user")
    .innerJoin("app_group", "app_group.id", "group_member.app_group")
    .select("app_group.name")
    .where("username", "=", username)
    .orderBy("app_group.name")
    .execute();
  return rows.map(({ name }) => name);
}

/** Makes something by an administrator, at once or by a task; returns its href. */
export async function make(api: TestApi, path: string, json: object): Promise<string> {
  const answer = await api.request("POST", path, { json });
  if (answer.status === 201) return answer.body.pulp_href;
  const [href] = (await endedTask(api, answer)).created_resources;
  assert.ok(href, answer.text);
  return href;
}

export interface IndexOptions {
  readonly name?: string;
  /** Organisation that the guard of the index lets in; without it there is no guard. */
  readonly guardedFor?: string;
}

/** An index `/pypi/<domain>/<name>/` of an administrator. */
export async function makeIndex(
  api: TestApi,
  domain: string,
  { name = "idx", guardedFor }: IndexOptions = {},
): Promise<void> {
  const at = (path: string) => below(domain, path);
  const repository = await make(api, at("repositories/python/python/"), { name });
  const guard =
    guardedFor === undefined
      ? null
      : await make(api, at("contentguards/core/header/"), {
          ...{ name, header_name: "x-rh-identity", header_value: guardedFor },
          jq_filter: ".identity.org_id",
        });
  const json = { name, base_path: name, repository, content_guard: guard };
  await make(api, at("distributions/python/pypi/"), json);
}

/** Statuses of requests by the words that describe them. */
export async function statuses<Words extends string>(
  requests: Readonly<Record<Words, () => Promise<TestAnswer>>>,
): Promise<Record<Words, number>> {
  const entries: [string, number][] = [];
  for (const [words, request] of Object.entries<() => Promise<TestAnswer>>(requests)) {
    entries.push([words, (await request()).status]);
  }
  return Object.fromEntries(entries) as Record<Words, number>;
}

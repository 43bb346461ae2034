import assert from "node:assert/strict";
import { hashPassword } from "#core/access/passwords.ts";
import { modelPermissions } from "#core/access/queries.ts";
import { ADMIN_PASSWORD, type TestApi } from "../../support/rest-api.ts";
import { inDomain } from "../../support/tenants.ts";
import { everyPermission, NOT_CREATED, OWNER, permissionOf } from "./expectations.ts";

/** Who asks. The name is that of the user too, and the user's password. */
export const IDENTITIES = [
  "anonymous",
  "nobody",
  "viewer",
  "creator",
  "owner",
  "domain-admin",
  "other-domain-admin",
  "group-member",
  "admin",
] as const;

export type Identity = (typeof IDENTITIES)[number];

/** The two domains: the requests' own, and another one. */
export const OWN = "a";
export const FOREIGN = "b";

const ROLE_OF_ALL = "everything";

/** `name:password` of an identity; null is nobody. */
export function credentials(identity: Identity): string | null {
  if (identity === "anonymous") return null;
  return `${identity}:${identity === "admin" ? ADMIN_PASSWORD : identity}`;
}

/** Hrefs of the users and of the group through which `group-member` holds roles. */
export interface People {
  readonly users: ReadonlyMap<string, string>;
  readonly crew: string;
}

const GLOBAL = (path: string) => inDomain("default", path);

async function made(api: TestApi, path: string, json: unknown): Promise<string> {
  const answer = await api.post(path, json);
  assert.equal(answer.status, 201, `${path} ${JSON.stringify(json)}: ${answer.text}`);
  return answer.body.pulp_href;
}

/** Users with what they hold everywhere; what they hold in domains and on objects comes later. */
export async function createPeople(api: TestApi): Promise<People> {
  const users = new Map<string, string>();
  for (const username of [...IDENTITIES.slice(1, -1), "stranger"]) {
    const password = await hashPassword(username, { iterations: 1 });
    const { id } = await api.ctx.db
      .insertInto("app_user")
      .values({ username, password })
      .returning("id")
      .executeTakeFirstOrThrow();
    users.set(username, GLOBAL(`users/${id}/`));
  }
  const crew = await made(api, GLOBAL("groups/"), { name: "crew" });
  await made(api, `${crew}users/`, { username: "group-member" });
  await made(api, GLOBAL("roles/"), { name: ROLE_OF_ALL, permissions: allPermissions(api) });
  const people = { users, crew };
  for (const model of Object.keys(OWNER)) {
    await give(api, hrefOf(people, "viewer"), { role: `${model}_viewer`, content_object: null });
    if (NOT_CREATED.includes(model)) continue;
    await give(api, hrefOf(people, "creator"), { role: `${model}_creator`, content_object: null });
  }
  return people;
}

/** Those of the table, and those that it does not speak of. */
const allPermissions = ({ ctx }: TestApi): readonly string[] => [
  ...new Set([
    ...everyPermission(),
    ...ctx.plugins.all.flatMap(({ access }) =>
      access.models.flatMap(({ model }) => modelPermissions(ctx.plugins, model)),
    ),
  ]),
];

const hrefOf = ({ users }: People, name: string): string => users.get(name) ?? assert.fail(name);

const give = (api: TestApi, holder: string, json: object): Promise<string> =>
  made(api, `${holder}roles/`, json);

/** All permissions of all models, in one domain each. */
export async function giveDomains(
  api: TestApi,
  people: People,
  domains: Readonly<Record<"own" | "foreign", string>>,
): Promise<void> {
  const role = { role: ROLE_OF_ALL, content_object: null };
  await give(api, hrefOf(people, "domain-admin"), { ...role, domain: domains.own });
  await give(api, hrefOf(people, "other-domain-admin"), { ...role, domain: domains.foreign });
}

/** The owner and the group own an object; its maker too, unless that came with the making. */
export async function giveObject(
  api: TestApi,
  people: People,
  { model, href, isMakers }: { model: string; href: string; isMakers: boolean },
): Promise<void> {
  const json = { role: `${model}_owner`, content_object: href };
  await give(api, hrefOf(people, "owner"), json);
  await give(api, people.crew, json);
  if (!isMakers) await give(api, hrefOf(people, "creator"), json);
}

type Level = "M" | "D" | "O";

export interface Where {
  /** Name of the domain in the URL. */
  readonly domain: string;
  /** Roles are given on the object. */
  readonly isMarked: boolean;
}

const holdsEverywhere: Partial<Record<Identity, (model: string, permission: string) => boolean>> = {
  viewer: (model, permission) => model in OWNER && permission === permissionOf(model, "view"),
  creator: (model, permission) =>
    model in OWNER && !NOT_CREATED.includes(model) && permission === permissionOf(model, "add"),
};

const DOMAIN_OF: Partial<Record<Identity, string>> = {
  "domain-admin": OWN,
  "other-domain-admin": FOREIGN,
};

const OWNERS: readonly Identity[] = ["creator", "owner", "group-member"];

/** Whether somebody holds a permission at a level, by what was given above (core-rest §7.1). */
export function holdsAt(
  level: Level,
  identity: Identity,
  { model, permission, where }: { model: string; permission: string; where: Where },
): boolean {
  switch (level) {
    case "M":
      return holdsEverywhere[identity]?.(model, permission) === true;
    case "D":
      return DOMAIN_OF[identity] === where.domain && !permission.includes("domain");
    case "O":
      return (
        where.isMarked &&
        OWNERS.includes(identity) &&
        (OWNER[model] ?? []).some((verb) => permissionOf(model, verb) === permission)
      );
  }
}

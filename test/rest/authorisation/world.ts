import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { addSigningService } from "#core/signing/commands.ts";
import { certguard } from "#plugins/certguard/plugin.ts";
import { python } from "#plugins/python/plugin.ts";
import { createIdentity } from "../../support/certificates.ts";
import { createTestApi, type TestApi } from "../../support/rest-api.ts";
import { addTask } from "../../support/rest-rows.ts";
import { createTenant, idOf, inDomain, makeObjects, type Tenant } from "../../support/tenants.ts";
import { VIEWSETS } from "./expectations.ts";
import {
  createPeople,
  credentials,
  FOREIGN,
  giveDomains,
  giveObject,
  IDENTITIES,
  type Identity,
  OWN,
  type People,
} from "./identities.ts";

/** Objects of one viewset, by href. Where they are in no domain, there is no foreign one. */
export interface Objects {
  /** Roles are given on it. */
  readonly marked: string;
  /** Nobody holds roles on it, though it stands beside the marked one. */
  readonly stranger: string;
  /** In the other domain. */
  readonly foreign?: string;
}

export interface World {
  readonly api: TestApi;
  /** By viewset. */
  readonly objects: ReadonlyMap<string, Objects>;
  /** Of everybody who can have one, by identity. */
  readonly tokens: ReadonlyMap<string, string>;
}

/** Objects that are made beside the API, or by a task, do not make their maker an owner. */
const BESIDE: readonly string[] = [
  ...["task-schedules", "tasks", "task-groups"],
  ...["publications/file/file", "publications/python/pypi"],
];

const DEFAULT = "default";

/** Two domains with everything in them, and whoever may ask for it. Nothing in it can be deleted. */
export async function createWorld(t: TestContext): Promise<World> {
  const api = await createTestApi(t, {
    shipped: [certguard, python],
    settings: { DOMAIN_ENABLED: true },
  });
  const people = await createPeople(api);
  const as = { user: credentials("creator") ?? "" };
  const own = await createTenant(api, OWN, as);
  const strangers = { ...own, hrefs: await makeObjects(api, own.domain, { suffix: "2" }) };
  const foreign = await createTenant(api, FOREIGN);
  const objects = new Map<string, Objects>();
  const certificates = [];
  for (const tenant of [own, strangers, foreign]) {
    await fillRepositories(api, tenant);
    certificates.push(await createCertificateGuards(api, tenant));
  }
  for (const [path, marked] of own.hrefs) {
    const viewset = path.replace("/{}", "");
    const stranger = strangers.hrefs.get(path) ?? "";
    objects.set(viewset, { marked, stranger, foreign: foreign.hrefs.get(path) ?? "" });
  }
  for (const [index, type] of GUARD_TYPES.entries()) {
    const [marked = "", stranger = "", other = ""] = certificates.map((one) => one[index] ?? "");
    objects.set(`contentguards/certguard/${type}`, { marked, stranger, foreign: other });
  }
  objects.set("domains", { marked: domainHref(own), stranger: domainHref(foreign) });
  for (const [viewset, made] of await createGlobals(api, people)) objects.set(viewset, made);
  await giveDomains(api, people, { own: domainHref(own), foreign: domainHref(foreign) });
  await mark(api, people, { own, objects });
  const tokens = await createTokens(api);
  await keep(api);
  return { api, objects, tokens };
}

const domainHref = ({ domain }: Tenant): string => inDomain(DEFAULT, `domains/${domain.id}/`);

const made = async (api: TestApi, path: string, json: object, user?: string): Promise<string> => {
  const answer = await api.request("POST", path, { json, ...(user ? { user } : {}) });
  assert.equal(answer.status, 201, `${path}: ${answer.text}`);
  return answer.body.pulp_href;
};

const UNITS: readonly (readonly [repository: string, content: string])[] = [
  ["repositories/file/file", "content/file/files"],
  ["repositories/python/python", "content/python/packages"],
  ["repositories/python/python", "content/python/provenance"],
  ["repositories/python/python", "content/python/yanks"],
];

/** Units of a tenant in their repositories, and a task in its group: what shows by others. */
async function fillRepositories({ ctx }: TestApi, { domain, hrefs }: Tenant): Promise<void> {
  const of = (path: string) => idOf(hrefs.get(path) ?? "");
  for (const [repository, unit] of UNITS)
    await sql`insert into membership (repository, added, domain, type, content)
      select r.num, 0, r.domain, c.type, c.id from repository r, content c
      where r.id = ${of(repository)} and c.id = ${of(unit)}`.execute(ctx.db);
  await addTask({ ctx, domain }, { task_group: of("task-groups") });
}

const GUARD_TYPES = ["x509", "rhsm"] as const;
const { cert } = createIdentity("CA");

async function createCertificateGuards(api: TestApi, { domain, hrefs }: Tenant) {
  const json = { name: idOf(hrefs.get("uploads") ?? ""), ca_certificate: cert };
  const [x509 = "", rhsm = ""] = await Promise.all(
    GUARD_TYPES.map((type, index) => {
      const path = inDomain(domain.name, `contentguards/certguard/${type}/`);
      return made(api, path, { ...json, name: `${json.name}-${index}` });
    }),
  );
  return [x509, rhsm];
}

/** What belongs to no domain. */
async function createGlobals(api: TestApi, people: People): Promise<Map<string, Objects>> {
  const path = (tail: string) => inDomain(DEFAULT, tail);
  const pair = async (make: (name: string) => Promise<string>): Promise<Objects> => ({
    marked: await make("marked"),
    stranger: await make("other"),
  });
  const groups: Objects = {
    marked: await made(api, path("groups/"), { name: "marked" }, credentials("creator") ?? ""),
    stranger: await made(api, path("groups/"), { name: "other" }),
  };
  const member = people.users.get("stranger") ?? "";
  const memberOf = async (group: string): Promise<string> => {
    await made(api, `${group}users/`, { username: "stranger" });
    return `${group}users/${member.split("/").at(-2)}/`;
  };
  const users = await pair((username) => made(api, path("users/"), { username }));
  const role = { role: "core.task_viewer", content_object: null };
  const listed = async (tail: string): Promise<Objects> => {
    const { results } = (await api.get(path(tail))).body;
    return { marked: results[0].pulp_href, stranger: results[1].pulp_href };
  };
  await addWorkers(api);
  await addSigners(api);
  return new Map<string, Objects>([
    ["groups", groups],
    [
      "groups/users",
      { marked: await memberOf(groups.marked), stranger: await memberOf(groups.stranger) },
    ],
    ["users", users],
    ["users/roles", await each(users, (user) => made(api, `${user}roles/`, role))],
    ["groups/roles", await each(groups, (group) => made(api, `${group}roles/`, role))],
    ["roles", await pair((name) => made(api, path("roles/"), { name, permissions: [] }))],
    ["access_policies", await listed("access_policies/")],
    ["audit", await listed("audit/")],
    ["workers", await listed("workers/")],
    ["signing-services", await listed("signing-services/")],
  ]);
}

const each = async (
  { marked, stranger }: Objects,
  make: (href: string) => Promise<string>,
): Promise<Objects> => ({ marked: await make(marked), stranger: await make(stranger) });

async function addWorkers({ ctx }: TestApi): Promise<void> {
  const versions = JSON.stringify({ core: "3.95.0" });
  for (const name of ["one@host", "two@host"]) {
    const row = { id: uuid7(), kind: "worker" as const, name, versions, ttl_seconds: 30 };
    await ctx.db.insertInto("app_process").values(row).execute();
  }
}

async function addSigners({ ctx }: TestApi): Promise<void> {
  for (const name of ["one", "two"]) {
    const key = { public_key: "key", fingerprint: "AB" };
    await addSigningService(ctx.db, { name, kind: "x.Y", script: "/bin/false", ...key });
  }
}

/** Gives roles on every marked object that can carry them. */
async function mark(
  api: TestApi,
  people: People,
  { own, objects }: { own: Tenant; objects: ReadonlyMap<string, Objects> },
): Promise<void> {
  const { id: task } = await api.ctx.db
    .selectFrom("task")
    .select("id")
    .where("task_group", "=", idOf(own.hrefs.get("task-groups") ?? ""))
    .executeTakeFirstOrThrow();
  const carriers: Readonly<Record<string, string>> = {
    "task-groups": inDomain(OWN, `tasks/${task}/`),
  };
  for (const [viewset, { marked }] of objects) {
    const { model, sees } = VIEWSETS[viewset] ?? assert.fail(viewset);
    if (!model || sees === "all" || isSeenByAnother(viewset)) continue;
    const href = carriers[viewset] ?? marked;
    await giveObject(api, people, { model, href, isMakers: !BESIDE.includes(viewset) });
  }
}

/** Rights on these are those on a repository or a group. */
const isSeenByAnother = (viewset: string): boolean =>
  /^content\/|\/(versions|blocklist_entries|trusted_publishers|downloads)$|^groups\/users$/.test(
    viewset,
  );

async function createTokens(api: TestApi): Promise<ReadonlyMap<string, string>> {
  const tokens = new Map<string, string>();
  const path = inDomain(DEFAULT, "tokens/");
  for (const identity of [...IDENTITIES.slice(1), "stranger" as Identity]) {
    const json = { name: "of the matrix", scopes: ["core.view_task"] };
    tokens.set(identity, await made(api, path, json, credentials(identity) ?? ""));
  }
  return tokens;
}

/** Tables whose rows stay, whoever may delete them. */
const KEPT = [
  ...["api_token", "app_group", "app_user", "artifact", "content", "content_guard", "distribution"],
  ...["alternate_content_source", "domain", "group_member", "publication", "remote", "repository"],
  ...["repository_version", "role", "role_assignment", "task", "upload", "vulnerability_report"],
  ...["python_blocklist_entry", "python_trusted_publisher"],
  ...["service_yank_monitor", "service_vuln_report", "service_account", "service_guard_rule"],
] as const;

/** What was let through ends here, so that every request finds the same world. */
export async function keep({ ctx }: TestApi): Promise<void> {
  await sql`create function keep() returns trigger language plpgsql as
    $$ begin raise exception 'this is kept'; end $$`.execute(ctx.db);
  for (const table of KEPT) {
    const { rows } = await sql`select where to_regclass(${table}) is not null`.execute(ctx.db);
    if (rows.length === 0) continue;
    // A publication is taken out of sight before it is deleted.
    const events = sql.raw(table === "publication" ? "update or delete" : "delete");
    await sql`create trigger keep before ${events} on ${sql.table(table)}
      for each row execute function keep()`.execute(ctx.db);
  }
}

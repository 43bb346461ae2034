import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { hashPassword } from "#core/access/passwords.ts";
import { createTestApi, formOf, type TestApi } from "../../support/rest-api.ts";
import { inDomain, makeObjects } from "../../support/tenants.ts";

const DOMAIN = "default";
const HOLDER = "holder:holder";

/** One request that refers to an object in its body, and the right that it takes on that. */
interface Reference {
  readonly operation: string;
  readonly method: string;
  /** Below the domain, or the path of a resource in braces, and what follows an object of it. */
  readonly path: string;
  /** Rights that the request takes besides. */
  readonly rights: readonly string[];
  readonly field: string;
  /** Path of the resource to which the field refers. */
  readonly to: string;
  /** The right on what the field refers to, which the role of its owner has. */
  readonly permission: string;
  readonly rest?: Readonly<Record<string, string>>;
  readonly isForm?: true;
}

const REPOSITORY = "repositories/file/file";
const VERSION = "repositories/file/file/{}/versions";
const REMOTE = "remotes/file/file";
const PUBLICATION = "publications/file/file";
const DISTRIBUTION = "distributions/file/file";
const ACS = "acs/file/file";

const rights = (component: string, model: string, ...verbs: readonly string[]) =>
  verbs.map((verb) => `${component}.${verb}_${model}`);
const ofRepository = (...verbs: readonly string[]) => rights("file", "filerepository", ...verbs);
const ofDistribution = (...verbs: readonly string[]) =>
  rights("file", "filedistribution", ...verbs);
const ofAcs = (...verbs: readonly string[]) =>
  rights("file", "filealternatecontentsource", ...verbs);

const create = (path: string) => ({ operation: "create", method: "POST", path: `${path}/` });
const update = (path: string) => ({
  ...{ operation: "update", method: "PUT", path: `{${path}}` },
});
const patch = (path: string) => ({
  ...{ operation: "partial_update", method: "PATCH", path: `{${path}}` },
});
const remote = { field: "remote", to: REMOTE, permission: "file.view_fileremote" };
const repository = {
  ...{ field: "repository", to: REPOSITORY, permission: "file.view_filerepository" },
};
const version = { ...repository, field: "repository_version", to: VERSION };
const publication = {
  ...{ field: "publication", to: PUBLICATION, permission: "file.view_filepublication" },
};
const named = { name: "new" };
const served = { name: "new", base_path: "new" };

/** The parameters of core-rest §7.3, by hand as the rest of the table. */
const REFERENCES: readonly Reference[] = [
  { ...create(REPOSITORY), ...remote, rights: ofRepository("add"), rest: named },
  { ...update(REPOSITORY), ...remote, rights: ofRepository("change", "view"), rest: named },
  { ...patch(REPOSITORY), ...remote, rights: ofRepository("change", "view") },
  {
    ...{ operation: "sync", method: "POST", path: `{${REPOSITORY}}sync/` },
    ...remote,
    rights: ofRepository("sync", "view"),
  },
  { ...create(PUBLICATION), ...repository, rights: ["file.add_filepublication"] },
  { ...create(PUBLICATION), ...version, rights: ["file.add_filepublication"] },
  ...[repository, version, publication].flatMap((target) => [
    { ...create(DISTRIBUTION), ...target, rights: ofDistribution("add"), rest: served },
    { ...update(DISTRIBUTION), ...target, rights: ofDistribution("change", "view"), rest: served },
    { ...patch(DISTRIBUTION), ...target, rights: ofDistribution("change", "view") },
  ]),
  { ...create(ACS), ...remote, rights: ofAcs("add"), rest: named },
  { ...update(ACS), ...remote, rights: ofAcs("change", "view"), rest: named },
  { ...patch(ACS), ...remote, rights: ofAcs("change", "view") },
  {
    ...create("content/file/files"),
    ...{ field: "upload", to: "uploads", permission: "core.change_upload", isForm: true },
    rights: ofRepository("modify", "view"),
    rest: { relative_path: "new" },
  },
];

interface Stage {
  readonly api: TestApi;
  /** By path of the resource. */
  readonly hrefs: ReadonlyMap<string, string>;
  /** What the fields refer to. */
  readonly targets: ReadonlyMap<string, string>;
  /** Where the holder gets more roles. */
  readonly roles: string;
  /** Makes the holder have exactly these permissions everywhere. */
  hold(permissions: readonly string[]): Promise<void>;
}

async function setUp(t: TestContext): Promise<Stage> {
  const api = await createTestApi(t, { settings: { DOMAIN_ENABLED: true } });
  const hrefs = await makeObjects(api, api.domain);
  const targets = await makeObjects(api, api.domain, { suffix: "2" });
  const password = await hashPassword("holder", { iterations: 1 });
  const { id } = await api.ctx.db
    .insertInto("app_user")
    .values({ username: "holder", password })
    .returning("id")
    .executeTakeFirstOrThrow();
  const path = (tail: string) => inDomain(DOMAIN, tail);
  const role = await made(api, path("roles/"), { name: "held", permissions: [] });
  const roles = path(`users/${id}/roles/`);
  await made(api, roles, { role: "held", content_object: null });
  const hold = async (permissions: readonly string[]): Promise<void> => {
    const answer = await api.request("PATCH", role, { json: { permissions } });
    assert.equal(answer.status, 200, answer.text);
  };
  return { api, hrefs, targets, roles, hold };
}

async function made(api: TestApi, path: string, json: object): Promise<string> {
  const answer = await api.post(path, json);
  assert.equal(answer.status, 201, `${path}: ${answer.text}`);
  return answer.body.pulp_href;
}

const nameOf = ({ operation, path, field }: Reference): string =>
  `${operation} ${path} with ${field}`;

async function ask({ api, hrefs, targets }: Stage, reference: Reference) {
  const { method, path, field, to, rest = {}, isForm } = reference;
  const object = (_: string, resource: string) => hrefs.get(resource) ?? "";
  const url = path.startsWith("{")
    ? path.replace(/^\{(.*)\}(?=[^}]*$)/, object)
    : inDomain(DOMAIN, path);
  const more = isForm ? { repository: hrefs.get(REPOSITORY) ?? "" } : {};
  const body = { ...rest, ...more, [field]: targets.get(to) ?? "" };
  return api.request(method, url, {
    user: HOLDER,
    ...(isForm ? formOf(body) : { json: body }),
  });
}

test("a body refers to nothing on which the user has no right", async (t) => {
  const stage = await setUp(t);
  const wrong: string[] = [];
  for (const reference of REFERENCES) {
    await stage.hold(reference.rights);
    const { status, text } = await ask(stage, reference);
    if (status !== 403) wrong.push(`${nameOf(reference)}: ${status} ${text}`);
  }
  assert.deepEqual(wrong, []);
});

test("with the right everywhere, it may", async (t) => {
  const stage = await setUp(t);
  const granted = REFERENCES.map((one) => ({ ...one, rights: [...one.rights, one.permission] }));
  assert.deepEqual(await refused(stage, granted), []);
});

test("with the right on what is referred to alone, it may as well", async (t) => {
  const stage = await setUp(t);
  for (const [path, role] of OWNERS) {
    const content_object = stage.targets.get(path);
    await made(stage.api, stage.roles, { role, content_object });
  }
  assert.deepEqual(await refused(stage, REFERENCES), []);
});

const OWNERS = [
  [REMOTE, "file.fileremote_owner"],
  [REPOSITORY, "file.filerepository_owner"],
  [PUBLICATION, "file.filepublication_owner"],
  ["uploads", "core.upload_owner"],
] as const;

async function refused(stage: Stage, references: readonly Reference[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const reference of references) {
    await stage.hold(reference.rights);
    const { status, text } = await ask(stage, reference);
    const isRefused = [401, 403, 404].includes(status) || status >= 500;
    if (isRefused) wrong.push(`${nameOf(reference)}: ${status} ${text}`);
  }
  return wrong;
}

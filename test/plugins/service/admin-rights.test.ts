import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { sql } from "kysely";
import { ADMIN_PASSWORD, type TestApi } from "../../support/rest-api.ts";
import {
  createSite,
  logIn,
  namesIn,
  newPerson,
  type Person,
  problemIn,
  SITE,
} from "./admin-support.ts";
import { below, make, makeDomain, makeGroup } from "./support.ts";

/** Two tenants with a group, a domain and a row of domain orgs each, and the administrator. */
async function tenants(t: TestContext) {
  const api = await createSite(t);
  const admin = await logIn(api, "admin", ADMIN_PASSWORD);
  const mara = await newPerson(api, "mara");
  const otto = await newPerson(api, "otto");
  await makeGroup(api, "team-mara", ["mara"]);
  await makeGroup(api, "team-otto", ["otto"]);
  for (const name of ["dom-mara", "dom-otto"]) await makeDomain(api, name, {});
  const give = (json: object) => make(api, below("default", "domain_orgs/"), json);
  await give({ group: "team-mara", domains: ["dom-mara"] });
  await give({ user: "otto", domains: ["dom-otto"] });
  await give({ org_id: "7", domains: ["dom-mara", "dom-otto"] });
  return { api, admin, mara, otto };
}

const idOf = async (api: TestApi, table: "app_group" | "domain", name: string): Promise<string> => {
  const row = await api.ctx.db
    .selectFrom(table)
    .select("id")
    .where("name", "=", name)
    .executeTakeFirstOrThrow();
  return String(row.id);
};

const PAGES = ["change", "delete", "history"] as const;

async function pagesOf(person: Person, path: string): Promise<readonly number[]> {
  const answers = await Promise.all(PAGES.map((page) => person.get(`${path}/${page}/`)));
  return answers.map(({ status }) => status);
}

test("§11: lists hold what is one's own, and everything for superusers", async (t) => {
  const { admin, mara, otto } = await tenants(t);
  const lists = async (someone: Person) => [
    namesIn(await someone.get("service/domainorg/")),
    namesIn(await someone.get("core/group/")),
    namesIn(await someone.get("core/domain/")),
  ];
  assert.deepEqual(await lists(mara), [["Domain org 1"], ["team-mara"], ["dom-mara"]]);
  assert.deepEqual(await lists(otto), [["Domain org 2"], ["team-otto"], ["dom-otto"]]);
  assert.deepEqual(await lists(admin), [
    ["Domain org 1", "Domain org 2", "Domain org 3"],
    ["team-mara", "team-otto"],
    ["default", "dom-mara", "dom-otto"],
  ]);
  for (const path of ["auth/user/", "core/task/"]) {
    assert.equal((await mara.get(path)).status, 403);
    assert.equal((await admin.get(path)).status, 200);
  }
  assert.deepEqual(namesIn(await admin.get("auth/user/")), ["admin", "mara", "otto"]);
});

test("§11: pages of objects open to whom they belong; others cannot tell that there is anything", async (t) => {
  const { api, admin, mara, otto } = await tenants(t);
  const group = `core/group/${await idOf(api, "app_group", "team-mara")}`;
  const domain = `core/domain/${await idOf(api, "domain", "dom-mara")}`;
  const org = "service/domainorg/1";
  const user = `auth/user/${otto.id}`;

  assert.deepEqual(await pagesOf(mara, group), [200, 200, 200]);
  assert.deepEqual(await pagesOf(mara, domain), [200, 403, 200], "owners do not delete domains");
  assert.deepEqual(await pagesOf(mara, org), [200, 200, 200]);
  for (const path of [group, domain, org]) {
    assert.deepEqual(await pagesOf(otto, path), [404, 404, 404], path);
    assert.deepEqual(await pagesOf(admin, path), [200, 200, 200], path);
  }
  for (const path of [user, "auth/user/999", "core/group/999", "core/group/x", "core/domain/x"])
    assert.deepEqual(await pagesOf(mara, path), [404, 404, 404], path);
  assert.deepEqual(await pagesOf(admin, user), [200, 200, 200]);

  const missing = await otto.get("core/group/999/change/");
  const foreign = await otto.get(`${group}/change/`);
  assert.equal(problemIn(missing), problemIn(foreign));
});

test("§11: forms that are sent are judged as their pages", async (t) => {
  const { api, mara, otto } = await tenants(t);
  const group = `core/group/${await idOf(api, "app_group", "team-mara")}`;
  const domain = `core/domain/${await idOf(api, "domain", "dom-mara")}`;
  const statusesOf = async (someone: Person, paths: readonly string[]) =>
    Promise.all(paths.map(async (path) => (await someone.send(path)).status));

  const foreign = [group, domain, "service/domainorg/1", `auth/user/${mara.id}`];
  const paths = foreign.flatMap((path) => [`${path}/change/`, `${path}/delete/`]);
  assert.deepEqual(
    await statusesOf(otto, paths),
    paths.map(() => 404),
  );
  const closed = [
    "service/domainorg/add/",
    "core/domain/add/",
    "auth/user/add/",
    `${domain}/delete/`,
  ];
  assert.deepEqual(
    await statusesOf(mara, closed),
    closed.map(() => 403),
  );
  for (const path of closed.slice(0, 3)) assert.equal((await mara.get(path)).status, 403);
  assert.equal((await mara.get("core/task/add/")).status, 404, "tasks are added by nobody");
  const left = await api.get(below("default", "groups/?ordering=name"));
  assert.deepEqual(
    left.body.results.map(({ name }: { name: string }) => name),
    ["team-mara", "team-otto"],
  );
});

test("§11: members change their group; whoever makes one is in it", async (t) => {
  const { api, mara, otto } = await tenants(t);
  const alone = await mara.send("core/group/add/", { name: "new", users: "otto" });
  assert.equal(alone.status, 400);
  assert.match(
    problemIn(alone) + alone.text,
    /You must include yourself \(mara\) in the group members\. This ensures you maintain access to the group after creation\./,
  );
  assert.match(alone.text, />\notto<\/textarea>/, "what was typed is still there");
  const made = await mara.done("core/group/add/", { name: "new", users: "mara\r\notto" });
  assert.match(made.text, /The group “new” was added\./);
  assert.deepEqual(namesIn(await otto.get("core/group/")), ["new", "team-otto"]);

  const path = `core/group/${await idOf(api, "app_group", "new")}`;
  const unknown = await otto.send(`${path}/change/`, { name: "newer", users: "otto\nnobody" });
  assert.match(unknown.text, /There is no user &#39;nobody&#39;\./);
  assert.deepEqual(namesIn(await mara.get("core/group/")), ["new", "team-mara"], "all or nothing");
  const taken = await otto.send(`${path}/change/`, { name: "team-mara", users: "otto" });
  assert.match(taken.text, /This field must be unique\./);
  const empty = await otto.send(`${path}/change/`, { name: " ", users: "otto" });
  assert.match(empty.text, /This field may not be blank\./);
  const changed = await otto.done(`${path}/change/`, { name: "newer", users: "otto" });
  assert.match(changed.text, /The group “newer” was changed\./);
  assert.deepEqual(namesIn(await mara.get("core/group/")), ["team-mara"]);
  assert.equal((await mara.get(`${path}/change/`)).status, 404, "she is out");

  const left = await otto.send(`${path}/change/`, { name: "newer", users: "mara" });
  assert.equal(left.headers.location, `${SITE}core/group/`);
  assert.match((await mara.done(`${path}/delete/`)).text, /The group “newer” was deleted\./);
});

test("§6, §11: names that mean something are not given or taken by tenants", async (t) => {
  const { api, admin, mara } = await tenants(t);
  for (const name of ["rh-org-7", "admin-readonly", "Lightwell-ReadOnly"]) {
    const answer = await mara.send("core/group/add/", { name, users: "mara" });
    assert.equal(answer.status, 400, name);
    assert.match(answer.text, /only administrators may give or change it/);
  }
  await admin.done("core/group/add/", { name: "rh-org-7", users: "mara" });
  const path = `core/group/${await idOf(api, "app_group", "rh-org-7")}`;
  const renamed = await mara.send(`${path}/change/`, { name: "x", users: "mara" });
  assert.match(renamed.text, /only administrators may give or change it/);
  assert.equal((await mara.send(`${path}/delete/`)).status, 403);
  const members = await mara.send(`${path}/change/`, { name: "rh-org-7", users: "mara\notto" });
  assert.equal(members.status, 302, "but who is in it, members say");
});

test("§11: tenants give away what is theirs, and only to whom they know", async (t) => {
  const { api, mara } = await tenants(t);
  const path = "service/domainorg/1/change/";
  const form = { user: "", org_id: "", group: "team-mara", domains: "dom-mara" };
  const refusal = async (changes: object) => {
    const answer = await mara.send(path, { ...form, ...changes });
    assert.equal(answer.status, 400, JSON.stringify(changes));
    return answer.text;
  };
  assert.match(await refusal({ user: "otto" }), /You share no group with &#39;otto&#39;\./);
  assert.match(await refusal({ user: "nobody" }), /You share no group with &#39;nobody&#39;\./);
  assert.match(await refusal({ group: "team-otto" }), /not a member of &#39;team-otto&#39;/);
  for (const name of ["dom-otto", "default", "nothing"]) {
    const text = await refusal({ domains: `dom-mara\n${name}` });
    assert.match(text, new RegExp(`You do not have the domain &#39;${name}&#39;`));
  }
  assert.match(await refusal({ group: "" }), /At least one of/);

  const done = await mara.done(path, { ...form, user: "mara", org_id: "44" });
  assert.match(done.text, /was changed/);
  const { body } = await api.get(below("default", "domain_orgs/1/"));
  const { org_id, user, group, domains } = body;
  assert.deepEqual(
    { org_id, user, group, domains },
    { org_id: "44", user: "mara", group: "team-mara", domains: ["dom-mara"] },
  );
});

test("§5.1: an organisation alone opens no page of a domain: only a user or a group does", async (t) => {
  const { api, mara } = await tenants(t);
  const identity = {
    identity: { org_id: "7", internal: { org_id: "7" }, user: { username: "mara" } },
  };
  const headers = {
    cookie: [...mara.browser.cookies].map(([name, value]) => `${name}=${value}`).join("; "),
    "x-rh-identity": Buffer.from(JSON.stringify(identity)).toString("base64"),
  };
  const list = await api.request("GET", `${SITE}core/domain/`, { user: null, headers });
  assert.deepEqual(namesIn(list), ["dom-mara"]);
});

test("§11: tenants change their domain, but for what is the administrators'", async (t) => {
  const { api, mara } = await tenants(t);
  const path = `core/domain/${await idOf(api, "domain", "dom-mara")}/change/`;
  const form = {
    ...{ name: "dom-mara", description: "Ours", pulp_labels: '{"a": "b"}' },
    storage_class: "pulpcore.app.models.storage.FileSystem",
    storage_settings: "{}",
    hide_guarded_distributions: "on",
  };
  const done = await mara.done(path, form);
  assert.match(done.text, /The domain “dom-mara” was changed\./);
  const { rows } = await sql`select description, labels, redirect_to_object_storage as redirects,
    hide_guarded_distributions as hides from domain where name = 'dom-mara'`.execute(api.ctx.db);
  const expected = { description: "Ours", labels: { a: "b" }, redirects: false, hides: true };
  assert.deepEqual(rows, [expected]);
  const renamed = await mara.send(path, { ...form, name: "template-mine" });
  assert.match(renamed.text, /Names that begin with &#39;template-&#39; are for administrators\./);
  const elsewhere = await mara.send(path, { ...form, storage_settings: '{"location": "/etc"}' });
  assert.match(elsewhere.text, /location: Only administrators may name a folder/);
  assert.match(elsewhere.text, /&quot;location&quot;: &quot;\/etc&quot;/, "still there to correct");
  const google = await mara.send(path, {
    ...{ ...form, storage_class: "storages.backends.gcloud.GoogleCloudStorage" },
    storage_settings: '{"bucket_name": "b", "project_id": "p"}',
  });
  assert.match(google.text, /credentials: This field is required\./, "it would act as the server");
});

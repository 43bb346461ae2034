import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { ADMIN_PASSWORD, type TestApi } from "../../support/rest-api.ts";
import {
  addTasks,
  addUser,
  createSite,
  logIn,
  namesIn,
  newPerson,
  problemIn,
  rowsIn,
} from "./admin-support.ts";
import { below, make, makeDomain } from "./support.ts";

const admins = (api: TestApi) => logIn(api, "admin", ADMIN_PASSWORD);

const S3 = {
  storage_class: "storages.backends.s3.S3Storage",
  storage_settings: {
    bucket_name: "things",
    access_key: "the access key",
    secret_key: "the secret key",
  },
};

/** The value of an area of a form, as a browser has it. */
const areaIn = (text: string, name: string): string => {
  const [, value = ""] =
    new RegExp(`name="${name}"[^>]*>\\n(.*?)</textarea>`, "s").exec(text) ?? [];
  return value.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");
};

test("secrets of a domain are masked, and a mask that comes back leaves them", async (t) => {
  const api = await createSite(t);
  const admin = await admins(api);
  const href = await make(api, below("default", "domains/"), { name: "store", ...S3 });
  const path = `core/domain/${href.split("/").at(-2)}/change/`;
  const shown = await admin.get(path);
  assert.equal(shown.text.includes("the secret key"), false);
  const settings = JSON.parse(areaIn(shown.text, "storage_settings"));
  assert.equal(settings.secret_key, "********");
  const stored = async () => {
    const { secrets, db } = api.ctx;
    const row = await db
      .selectFrom("domain")
      .select(["storage_settings", "name", "description", "labels"])
      .where("name", "in", ["store", "shop"])
      .executeTakeFirstOrThrow();
    const { bucket_name, secret_key } = row.storage_settings as Record<string, string>;
    const open = (token = "") => JSON.parse(secrets.open(token));
    return { ...row, bucket: open(bucket_name), secret: open(secret_key) };
  };
  const form = {
    name: "shop",
    description: "Two\r\nlines",
    storage_class: S3.storage_class,
    storage_settings: JSON.stringify({ ...settings, bucket_name: "others" }),
    redirect_to_object_storage: "on",
    pulp_labels: '{"contentsources": "true"}',
  };
  const done = await admin.done(path, form);
  assert.match(done.text, /The domain “shop” was changed\./);
  const { bucket, secret, name, description, labels } = await stored();
  assert.deepEqual(
    { bucket, secret, name, description, labels },
    {
      ...{ bucket: "others", secret: "the secret key", name: "shop" },
      ...{ description: "Two\nlines", labels: { contentsources: "true" } },
    },
  );
  const changed = JSON.stringify({ ...settings, secret_key: "a new one" });
  await admin.done(path, { ...form, storage_settings: changed });
  assert.equal((await stored()).secret, "a new one");
  for (const [field, value, text] of [
    ["storage_settings", "{", /Value must be valid JSON\./],
    ["storage_settings", "[]", /Expected a dictionary of items\./],
    ["storage_settings", '{"bucket_name": 1}', /bucket_name: Not a valid string\./],
    ["storage_settings", '{"nothing": 1}', /nothing: Unexpected field/],
    ["pulp_labels", "x", /Value must be valid JSON\./],
    ["name", "a b", /name/],
    ["name", "api", /Name can not be/],
    ["storage_class", "nothing", /is not a valid choice/],
  ] as const) {
    const answer = await admin.send(path, { ...form, [field]: value });
    assert.equal(answer.status, 400, `${field} ${value}`);
    assert.match(answer.text, text);
    assert.equal(answer.text.includes("a new one"), false);
  }
});

test("§11: domains are found by name and by the label of content sources, and link on", async (t) => {
  const api = await createSite(t);
  const admin = await admins(api);
  await makeDomain(api, "plain", {});
  await makeDomain(api, "sources", {});
  await sql`update domain set labels = '{"contentsources": "true"}' where name = 'sources'`.execute(
    api.ctx.db,
  );
  await make(api, below("default", "domain_orgs/"), { org_id: "7", domains: ["plain"] });
  const found = async (query: string) => namesIn(await admin.get(`core/domain/?${query}`));
  assert.deepEqual(await found(""), ["default", "plain", "sources"]);
  assert.deepEqual(await found("q=LAI"), ["plain"]);
  assert.deepEqual(await found("content_sources=yes"), ["sources"]);
  assert.deepEqual(await found("content_sources=no&q=p"), ["plain"]);
  assert.deepEqual(await found("q=%25"), [], "signs of patterns are letters");
  assert.equal((await admin.get("core/domain/?content_sources=perhaps")).status, 400);
  const list = await admin.get("core/domain/?q=plain");
  const [, key = ""] = /domain\/([\w-]+)\/change/.exec(list.text) ?? [];
  const page = await admin.get(`core/domain/${key}/change/`);
  assert.match(page.text, new RegExp(`href="/pulp/[\\w/]*domains/${key}/"`));
  assert.match(page.text, /domainorg\/1\/change\/">Domain org 1<\/a> \(7\)/);
  const protectedOne = await admin.get("core/domain/?q=default");
  const [, home = ""] = /domain\/([\w-]+)\/change/.exec(protectedOne.text) ?? [];
  const refused = await admin.send(`core/domain/${home}/delete/`);
  assert.equal(refused.status, 400);
  assert.match(problemIn(refused), /default/i);
  assert.match((await admin.done(`core/domain/${key}/delete/`)).text, /“plain” was deleted\./);
});

test("§4: names of users keep to the letters, but those that gateways gave stay", async (t) => {
  const api = await createSite(t);
  const admin = await admins(api);
  const form = { username: "7|mara", email: "mara@example.org", is_active: "on" };
  const made = await admin.done("auth/user/add/", { ...form, password: "a good long one" });
  assert.match(made.text, /The user “7\|mara” was added\./);
  for (const username of ["", "a b", "a,b", "<b>", "x".repeat(151), "a\nb"]) {
    const answer = await admin.send("auth/user/add/", { ...form, username });
    assert.equal(answer.status, 400, username);
    assert.match(answer.text, /Enter a valid username\./);
  }
  const dn = "/O=Example Inc/OU=a, b/UID=ci <bot>";
  const id = await addUser(api, dn);
  const path = `auth/user/${id}/change/`;
  const changed = await admin.done(path, { username: dn, first_name: "C", is_active: "on" });
  assert.match(changed.text, /UID=ci &lt;bot&gt;” was changed/);
  const weak = await admin.send(path, { username: dn, password: "12345", is_active: "on" });
  assert.match(problemIn(weak), /too short/);
  const mail = await admin.send(path, { username: dn, email: "no", is_active: "on" });
  assert.equal(mail.status, 400);
  assert.match(
    (await logIn(api, "7|mara", "a good long one").then((m) => m.get(""))).text,
    /7\|mara/,
  );

  const own = await admin.send("auth/user/1/change/", { username: "admin" });
  assert.match(own.text, /You cannot lock yourself out\./);
  assert.match(problemIn(await admin.send("auth/user/1/delete/")), /cannot delete yourself/);
  assert.match((await admin.done(`auth/user/${id}/delete/`)).text, /was deleted\./);
  const flags = async (query: string) => namesIn(await admin.get(`auth/user/?${query}`));
  assert.deepEqual(await flags("is_superuser=yes"), ["admin"]);
  assert.deepEqual(await flags("is_superuser=no&q=MARA@"), ["7|mara"]);
});

test("§11: superusers see tasks to the microsecond, filter them, cancel and remove them", async (t) => {
  const api = await createSite(t);
  const admin = await admins(api);
  const [done = "", failed = ""] = await addTasks(api, ["completed", "failed", "waiting"]);
  const found = async (query: string) => namesIn(await admin.get(`core/task/?${query}`));
  assert.deepEqual(await found(""), ["task.waiting", "task.failed", "task.completed"]);
  assert.deepEqual(await found("state=failed"), ["task.failed"]);
  assert.deepEqual(await found("domain=default&q=COMP"), ["task.completed"]);
  assert.deepEqual(await found("domain=none"), []);
  assert.deepEqual(await found("created_from=2026-06-02&created_to=2026-06-02"), ["task.failed"]);
  assert.deepEqual(await found("started_from=2026-06-03"), ["task.waiting"]);
  for (const query of [
    "state=lost",
    "created_from=2026-02-30",
    "started_to=x",
    "created_to=2026-6-1",
  ])
    assert.equal((await admin.get(`core/task/?${query}`)).status, 400, query);
  const [first = []] = rowsIn(await admin.get("core/task/?state=failed"));
  assert.deepEqual(first.slice(1, 4), ["failed", "default", "2026-06-02 12:00:00.123456"]);

  const page = await admin.get(`core/task/${done}/change/`);
  assert.equal(page.status, 200);
  assert.doesNotMatch(page.text, /<button>Save/, "an ended task is only shown");
  assert.equal((await admin.send(`core/task/${done}/change/`, { state: "canceled" })).status, 403);
  assert.match((await admin.done(`core/task/${failed}/delete/`)).text, /was deleted/);
  assert.equal((await admin.get(`core/task/${failed}/change/`)).status, 404);
  assert.equal((await admin.get("core/task/x/change/")).status, 404);
});

test("a task that waits is canceled, and nothing else is made of it", async (t) => {
  const api = await createSite(t);
  const admin = await admins(api);
  const repository = await api.request("POST", below("default", "repositories/file/file/"), {
    json: { name: "r" },
  });
  const remote = await make(api, below("default", "remotes/file/file/"), {
    ...{ name: "r", url: "http://127.0.0.1:9/PULP_MANIFEST" },
  });
  const sync = await api.request("POST", `${repository.body.pulp_href}sync/`, { json: { remote } });
  const id = sync.body.task.split("/").at(-2);
  const path = `core/task/${id}`;
  assert.equal((await admin.send(`${path}/delete/`)).status, 403, "not before it has ended");
  const other = await admin.send(`${path}/change/`, { state: "completed" });
  assert.match(other.text, /The only acceptable value for &#39;state&#39; is &#39;canceled&#39;\./);
  await admin.done(`${path}/change/`, { state: "canceled" });
  const done = await admin.get(`${path}/change/`);
  assert.match(done.text, /<dt>State<\/dt><dd>canceled<\/dd>/);
});

test("lists go on page by page, with as many statements for many rows as for few", async (t) => {
  const api = await createSite(t);
  const mara = await newPerson(api, "mara");
  const fill = (from: number, to: number) =>
    sql`with made as (insert into app_group (name)
        select 'g' || lpad(i::text, 4, '0') from generate_series(${from}::int, ${to}::int) i returning id)
      insert into group_member (app_group, app_user) select id, ${mara.id}::int from made`.execute(
      api.ctx.db,
    );
  await fill(1, 2);
  await mara.get("core/group/");
  const few = await api.statementsOf(() => mara.get("core/group/"));
  await fill(3, 120);
  // What others change directly is believed after a moment; a change by the API makes it be looked at.
  await api.request("POST", below("default", "groups/"), { json: { name: "other" } });
  await mara.get("core/group/");
  const many = await api.statementsOf(() => mara.get("core/group/"));
  assert.equal(many.length, few.length);
  assert.equal(many.length, 1, many.join("\n"));

  const seen: string[] = [];
  let path: string | undefined = "core/group/?q=G";
  while (path !== undefined) {
    const { text, ...answer } = await mara.get(path);
    seen.push(...namesIn({ text, ...answer }));
    path = /href="([^"]*)" rel="next"/.exec(text)?.[1]?.replaceAll("&amp;", "&");
  }
  assert.equal(seen.length, 120);
  assert.deepEqual(seen, [...seen].sort());
  assert.equal(new Set(seen).size, 120);
});

test("the history of an object is what the audit trail says about it, page by page", async (t) => {
  const api = await createSite(t);
  const admin = await admins(api);
  await admin.done("core/group/add/", { name: "g", users: "" });
  const path = "core/group/1";
  for (let at = 0; at < 60; at += 1) {
    await admin.send(`${path}/change/`, { name: `g${at}`, users: "" });
  }
  await api.request("PATCH", below("default", "groups/1/"), { json: { name: "g" } });
  const first = await admin.get(`${path}/history/`);
  const rows = rowsIn(first);
  assert.equal(rows.length, 50);
  assert.deepEqual(rows[0]?.slice(1), ["admin", "basic", "groups_partial_update", "done"]);
  assert.deepEqual(rows[1]?.slice(1), ["admin", "session", "pulp_mgmt_core_group_change", "done"]);
  const next = /href="([^"]*)" rel="next"/.exec(first.text)?.[1]?.replaceAll("&amp;", "&") ?? "";
  const older = rowsIn(await admin.get(next));
  assert.equal(older.length, 12);
  assert.equal(older.at(-1)?.[3], "pulp_mgmt_core_group_add");
  assert.equal((await admin.get(`${path}/history/?before=x`)).status, 200);
});

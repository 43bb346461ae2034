import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { ADMIN_PASSWORD, type TestApi } from "../../support/rest-api.ts";
import { addTasks, addUser, createSite, logIn, type Person } from "./admin-support.ts";
import { below, make, makeDomain } from "./support.ts";

const EVIL = `"><script>alert(1)</script>'&<!--`;
const ESCAPED = "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;&amp;&lt;!--";

/** Objects whose every text is markup; returns the paths of their pages, without the page. */
async function addEvil(api: TestApi): Promise<{ readonly user: number; readonly paths: string[] }> {
  const { db } = api.ctx;
  const user = await addUser(api, EVIL);
  const names = { first_name: EVIL, last_name: EVIL, email: EVIL };
  await db.updateTable("app_user").set(names).where("id", "=", user).execute();
  await sql`insert into app_group (name) values (${EVIL})`.execute(db);
  await sql`insert into group_member select g.id, u.id from app_group g, app_user u`.execute(db);
  await makeDomain(api, "evil", {});
  await sql`update domain set description = ${EVIL},
    labels = jsonb_build_object(${EVIL}::text, ${EVIL}::text) where name = 'evil'`.execute(db);
  const org = { org_id: EVIL, user: EVIL, group: EVIL, domains: ["evil"] };
  await make(api, below("default", "domain_orgs/"), org);
  const [task = ""] = await addTasks(api, ["failed"]);
  await sql`update task set name = ${EVIL}, cid = ${EVIL}, resources = array[${EVIL}], user_id = ${user},
    error = jsonb_build_object('description', ${EVIL}::text) where id = ${task}`.execute(db);
  await sql`insert into task_progress (task, position, code, message, state, done)
    values (${task}, 1, 'x', ${EVIL}, 'completed', 1)`.execute(db);
  const prn = `prn:auth.user:${user}`;
  await sql`insert into audit_entry (id, username, authenticated_by, operation, method, object_path,
      object_prn, cid, client, outcome, status)
    values (${uuid7()}, ${EVIL}, ${EVIL}, ${EVIL}, 'GET', '/', ${prn}, '', '', 'done', 200)`.execute(
    db,
  );
  const { rows } = await sql<{ id: string }>`select id from domain where name = 'evil'`.execute(db);
  const domain = rows[0]?.id;
  const paths = [
    "service/domainorg/1",
    "core/group/1",
    `core/domain/${domain}`,
    `auth/user/${user}`,
  ];
  return { user, paths: [...paths, `core/task/${task}`] };
}

const MODELS = ["service/domainorg", "core/group", "core/domain", "auth/user", "core/task"];

async function requireText(person: Person, path: string): Promise<string> {
  const { text, status } = await person.get(path);
  assert.ok(status < 500, `${status} ${path}`);
  assert.doesNotMatch(text, /<script|<!--/, path);
  return text;
}

test("nothing that is stored becomes markup on any page", async (t) => {
  const api = await createSite(t);
  const admin = await logIn(api, "admin", ADMIN_PASSWORD);
  const { paths } = await addEvil(api);
  for (const path of paths) {
    for (const page of ["change", "delete", "history"])
      await requireText(admin, `${path}/${page}/`);
  }
  for (const model of MODELS) {
    const list = await requireText(admin, `${model}/`);
    if (model !== "core/domain") assert.ok(list.includes(ESCAPED), model);
  }
  const [, , domain = "", user = "", task = ""] = paths;
  for (const path of [
    `${domain}/change/`,
    `${user}/change/`,
    `${user}/history/`,
    `${task}/change/`,
  ])
    assert.ok((await requireText(admin, path)).includes(ESCAPED), path);
});

test("nothing that is asked for or typed becomes markup", async (t) => {
  const api = await createSite(t);
  const admin = await logIn(api, "admin", ADMIN_PASSWORD);
  const query = encodeURIComponent(EVIL);
  for (const model of MODELS) {
    await requireText(admin, `${model}/?q=${query}&after=${query}&state=${query}&domain=${query}`);
    await requireText(
      admin,
      `${model}/?is_staff=${query}&content_sources=${query}&started_to=${query}`,
    );
    await requireText(admin, `${model}/${query}/change/`);
  }
  const typed = {
    name: EVIL,
    users: EVIL,
    username: EVIL,
    email: EVIL,
    domains: EVIL,
    group: EVIL,
  };
  for (const model of MODELS.slice(0, 4)) {
    const more = { user: EVIL, storage_class: EVIL, storage_settings: EVIL, pulp_labels: EVIL };
    const { text, status } = await admin.send(`${model}/add/`, { ...typed, ...more });
    assert.equal(status < 500, true, `${status} ${model}`);
    assert.doesNotMatch(text, /<script|<!--/, model);
    if (status === 400) assert.ok(text.includes(ESCAPED), `${model} keeps what was typed`);
  }
  await admin.done("logout/");
  await requireText(admin, `login/?next=${query}`);
  const { text } = await admin.send("login/", { username: EVIL, password: "x", next: `/${EVIL}` });
  assert.doesNotMatch(text, /<script|<!--/);
  assert.ok(text.includes(ESCAPED));
});

test("neither names in the banner nor messages of the last page become markup", async (t) => {
  const api = await createSite(t);
  const admin = await logIn(api, "admin", ADMIN_PASSWORD);
  const { user } = await addEvil(api);
  await admin.done("/api/pulp/hijack/acquire/", { user_pk: String(user) });
  const acting = await requireText(admin, "");
  assert.ok(acting.includes(`act as <strong>${ESCAPED}</strong>`));
  admin.browser.cookies.set("messages", Buffer.from(EVIL).toString("base64url"));
  assert.ok((await requireText(admin, "")).includes(`role="status">${ESCAPED}<`));
  assert.equal(admin.browser.cookies.has("messages"), false, "told once");
});

const HOSTILE = [
  ...["%00", "%ff", "%ED%A0%80", "a".repeat(3000), "%27%20or%201=1--", "..%2f..%2f", "-1"],
  ...["99999999999999999999", "2026-02-31%2000:00:00.000000~01a22a74-8434-7000-8f5b-7b0324734b24"],
];

test("whatever an address or a form holds, the answer is a page and no failure", async (t) => {
  const api = await createSite(t);
  const admin = await logIn(api, "admin", ADMIN_PASSWORD);
  const isFine = async (method: string, path: string, form?: Readonly<Record<string, string>>) => {
    const { status, text } = form ? await admin.send(path, form) : await admin.get(path);
    assert.ok(status < 500, `${status} ${method} ${path} ${JSON.stringify(form)} ${text}`);
  };
  const names = ["q", "after", "before", "state", "domain", "created_from", "is_staff", "next"];
  for (const value of HOSTILE) {
    const query = names.map((name) => `${name}=${value}`).join("&");
    for (const model of MODELS) {
      for (const name of names) await isFine("GET", `${model}/?${name}=${value}`);
      for (const page of ["change", "delete", "history"]) {
        await isFine("GET", `${model}/${value}/${page}/`);
        await isFine("POST", `${model}/${value}/${page}/`, {});
      }
    }
    await isFine("GET", `auth/user/1/history/?${query}`);
    await isFine("GET", `login/?${query}`);
  }
  const typed = ["\0", "\ud800", "x".repeat(100_000), "[1, 2]", "{}", "null", "\u202e", "\r\n"];
  const fields = [
    "name",
    "users",
    "username",
    "password",
    "email",
    "user",
    "group",
    "org_id",
    "domains",
  ];
  for (const value of typed) {
    const form = Object.fromEntries(
      [...fields, "description", "storage_class", "storage_settings", "pulp_labels"].map((name) => [
        name,
        value,
      ]),
    );
    for (const model of MODELS.slice(0, 4)) {
      await isFine("POST", `${model}/add/`, form);
      await isFine("POST", `${model}/add/`, {
        ...form,
        name: "fine",
        username: "fine",
        domains: "default",
      });
    }
    await isFine("POST", "auth/user/1/change/", { ...form, username: "admin", is_active: "on" });
    await isFine("POST", "/api/pulp/hijack/acquire/", { user_pk: value, next: value });
    const passwords = { old_password: value, new_password1: value, new_password2: value };
    await isFine("POST", "password_change/", passwords);
    await isFine("POST", "login/", { username: value, password: value, next: value });
  }
});

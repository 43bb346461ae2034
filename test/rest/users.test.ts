import assert from "node:assert/strict";
import { test } from "node:test";
import { uuid7 } from "#base/uuid7.ts";
import { createTestApi, formOf, ROOT } from "../support/rest-api.ts";

const GOOD = "a good long password";

test("a user is made, read, changed and removed", async (t) => {
  const api = await createTestApi(t);

  const made = await api.post("users/", { username: " eve ", first_name: "", email: "e@x.org" });
  assert.equal(made.status, 201);
  assert.equal(made.headers.location, made.body.pulp_href);
  const { date_joined, ...rest } = made.body;
  assert.match(date_joined, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(rest, {
    pulp_href: `${ROOT}users/2/`,
    prn: "prn:auth.user:2",
    id: 2,
    username: "eve",
    first_name: "",
    last_name: "",
    email: "e@x.org",
    is_staff: false,
    is_active: true,
    groups: [],
    hidden_fields: [{ name: "password", is_set: true }],
  });

  const patched = await api.request("PATCH", "users/2/", { json: { is_staff: true } });
  assert.equal(patched.status, 200);
  assert.equal(patched.body.is_staff, true);
  assert.equal(patched.body.email, "e@x.org");

  const put = await api.request("PUT", "users/2/", { json: { username: "eva" } });
  assert.equal(put.status, 200);
  assert.equal(put.body.username, "eva");
  assert.equal(put.body.is_staff, false, "an absent key with a default is reset");
  assert.equal(put.body.email, "e@x.org", "an absent key without one stays");

  const gone = await api.request("DELETE", "users/2/");
  assert.equal(gone.status, 204);
  assert.equal(gone.text, "");
  assert.equal((await api.request("DELETE", "users/2/")).status, 404);
});

test("keys that a client may not set are ignored: nobody makes an administrator", async (t) => {
  const api = await createTestApi(t);
  const wishes = { is_superuser: true, id: 77, date_joined: "2001-01-01T00:00:00Z", role: "x" };

  const { status, body } = await api.post("users/", { username: "eve", ...wishes });
  assert.equal(status, 201);
  assert.equal(body.id, 2);
  await api.request("PATCH", "users/2/", { json: wishes });

  const row = await api.ctx.db
    .selectFrom("app_user")
    .select(["id", "is_superuser"])
    .where("username", "=", "eve")
    .executeTakeFirst();
  assert.deepEqual(row, { id: 2, is_superuser: false });
});

const REFUSED: readonly (readonly [object, object])[] = [
  [{}, { username: ["This field is required."] }],
  [{ username: "" }, { username: ["This field may not be blank."] }],
  [{ username: null }, { username: ["This field may not be null."] }],
  [{ username: 5 }, { username: ["Not a valid string."] }],
  [
    { username: "x".repeat(151) },
    { username: ["Ensure this field has no more than 150 characters."] },
  ],
  [{ username: "admin" }, { username: ["This field must be unique."] }],
  [{ username: "a", email: "no" }, { email: ["Enter a valid email address."] }],
  [{ username: "a", is_active: "perhaps" }, { is_active: ["Must be a valid boolean."] }],
  [
    { username: "", is_staff: null },
    { username: ["This field may not be blank."], is_staff: ["This field may not be null."] },
  ],
  [
    { username: "a", password: "1234" },
    {
      non_field_errors: [
        "This password is too short. It must contain at least 8 characters.",
        "This password is too common.",
        "This password is entirely numeric.",
      ],
    },
  ],
];

test("what a user may not be", async (t) => {
  const api = await createTestApi(t);
  for (const [json, detail] of REFUSED) {
    const { status, body } = await api.post("users/", json);
    assert.equal(status, 400, JSON.stringify(json));
    assert.deepEqual(body, detail);
  }
  assert.equal((await api.get("users/")).body.count, 1);
});

test("fifty requests for one name make one user and no error of ours", async (t) => {
  const api = await createTestApi(t);

  const answers = await Promise.all(
    Array.from({ length: 50 }, () => api.post("users/", { username: "eve" })),
  );

  const made = answers.filter(({ status }) => status === 201);
  assert.equal(made.length, 1);
  for (const { status, body } of answers.filter((one) => one !== made[0])) {
    assert.equal(status, 400);
    assert.deepEqual(body, { username: ["This field must be unique."] });
  }
});

test("JSON, a form and a multipart form say the same", async (t) => {
  const api = await createTestApi(t);
  const form = { username: "eve", is_staff: "YES", is_active: "0", email: "" };
  const bodies = [
    { json: { username: "eve", is_staff: true, is_active: false, email: "" } },
    {
      payload: new URLSearchParams(form).toString(),
      headers: { "content-type": "application/x-www-form-urlencoded" },
    },
    formOf(form),
  ];

  for (const body of bodies) {
    const made = await api.request("POST", "users/", body);
    assert.equal(made.status, 201, made.text);
    const { username, is_staff, is_active, email, first_name } = made.body;
    assert.deepEqual(
      { username, is_staff, is_active, email, first_name },
      { username: "eve", is_staff: true, is_active: false, email: "", first_name: "" },
    );
    await api.request("DELETE", made.body.pulp_href);
  }
});

test("a password works until it is changed, removed, or its user is", async (t) => {
  const api = await createTestApi(t);
  const { ctx } = api;
  await api.post("users/", { username: "eve", password: ` ${GOOD} ` });
  const statusAs = async (password: string) =>
    (await api.get("users/", { user: `eve:${password}` })).status;

  assert.equal(await statusAs(` ${GOOD} `), 403, "spaces of a password stay");
  assert.equal(await statusAs(GOOD), 401);

  await api.request("PATCH", "users/2/", { json: { password: GOOD } });
  assert.equal(await statusAs(GOOD), 403);
  assert.equal(await statusAs(` ${GOOD} `), 401, "the old one is forgotten at once");

  await api.request("PATCH", "users/2/", { json: { first_name: "E" } });
  assert.equal(await statusAs(GOOD), 403, "a PATCH without a password keeps it");

  await ctx.db.updateTable("app_user").set({ is_superuser: true }).where("id", "=", 2).execute();
  await api.request("PATCH", "users/2/", { json: { last_name: "V" } });
  assert.equal(await statusAs(GOOD), 200, "rights are read again after a change");

  await api.request("PATCH", "users/2/", { json: { is_active: false } });
  const inactive = await api.get("users/", { user: `eve:${GOOD}` });
  assert.deepEqual(inactive.body, { detail: "User inactive or deleted." });

  await api.request("PATCH", "users/2/", { json: { is_active: true } });
  await api.request("PUT", "users/2/", { json: { username: "eve" } });
  assert.equal(await statusAs(GOOD), 401, "a PUT without a password removes it");
  const { password } = await ctx.db
    .selectFrom("app_user")
    .select("password")
    .where("id", "=", 2)
    .executeTakeFirstOrThrow();
  assert.match(password, /^!/);
});

test("another process believes a log-in for a minute at most", async (t) => {
  const api = await createTestApi(t);
  await api.post("users/", { username: "eve", password: GOOD });
  let now = Date.now();
  const other = await createTestApi(t, { beside: api });
  Object.assign(other.ctx, { clock: { now: () => now } });
  assert.equal((await other.get("users/", { user: `eve:${GOOD}` })).status, 403);

  await api.request("PATCH", "users/2/", { json: { password: null } });
  assert.equal((await api.get("users/", { user: `eve:${GOOD}` })).status, 401);
  now += 61_000;

  assert.equal((await other.get("users/", { user: `eve:${GOOD}` })).status, 401);
});

test("a user shows its groups, and takes its memberships and roles along", async (t) => {
  const api = await createTestApi(t);
  const { db } = api.ctx;
  await api.post("users/", { username: "eve" });
  await db.insertInto("app_group").values({ name: "crew" }).execute();
  await db.insertInto("group_member").values({ app_group: 1, app_user: 2 }).execute();
  const { num } = await db.selectFrom("role").select("num").limit(1).executeTakeFirstOrThrow();
  await db
    .insertInto("role_assignment")
    .values({ id: uuid7(), subject: 2, role: num, kind: null, domain: null, object: null })
    .execute();

  const { body } = await api.get("users/2/");
  assert.deepEqual(body.groups, [
    { name: "crew", pulp_href: `${ROOT}groups/1/`, prn: "prn:core.group:1" },
  ]);

  assert.equal((await api.request("DELETE", "users/2/")).status, 204);
  assert.deepEqual(await db.selectFrom("group_member").selectAll().execute(), []);
  assert.deepEqual(await db.selectFrom("role_assignment").selectAll().execute(), []);
});

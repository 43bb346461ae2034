import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestApi, ROOT, type TestApi } from "../support/rest-api.ts";

const NAMES = ["ada", "bob", "Bob2", "cyd", "dee"] as const;

/** `admin` has id 1, the others follow in order. */
async function withUsers(t: Parameters<typeof createTestApi>[0]): Promise<TestApi> {
  const api = await createTestApi(t);
  const rows = NAMES.map((username, n) => ({
    username,
    password: "!",
    email: n % 2 === 0 ? `${username}@example.org` : "",
    first_name: n === 4 ? "100%" : "",
    is_active: n !== 3,
  }));
  await api.ctx.db.insertInto("app_user").values(rows).execute();
  return api;
}

const namesOf = async (api: TestApi, query: string): Promise<string[]> => {
  const { status, body } = await api.get(`users/?${query}`);
  assert.equal(status, 200, `${query}: ${JSON.stringify(body)}`);
  return body.results.map(({ username }: { username: string }) => username);
};

test("pages link to each other, with sorted parameters", async (t) => {
  const api = await withUsers(t);
  const base = `http://deckle.example${ROOT}users/`;

  const first = (await api.get("users/?username__ne=&limit=2")).body;
  assert.deepEqual(first, { errors: ["Invalid Filter: 'username__ne'"] });

  const { body } = await api.get("users/?ordering=id&limit=2");
  assert.equal(body.count, 6);
  assert.equal(body.previous, null);
  assert.equal(body.next, `${base}?limit=2&offset=2&ordering=id`);

  const second = (await api.get("users/?ordering=id&limit=2&offset=2")).body;
  assert.equal(second.previous, `${base}?limit=2&ordering=id`);
  assert.equal(second.next, `${base}?limit=2&offset=4&ordering=id`);

  const last = (await api.get("users/?ordering=id&limit=2&offset=4")).body;
  assert.equal(last.next, null);
  assert.equal(last.previous, `${base}?limit=2&offset=2&ordering=id`);
});

test("odd page values fall back, and the end of a list is empty", async (t) => {
  const api = await withUsers(t);

  for (const query of ["limit=0", "limit=-1", "limit=x", "limit=1e9", "offset=-1", "offset=x"]) {
    assert.equal((await api.get(`users/?${query}`)).body.results.length, 6, query);
  }
  for (const offset of ["6", "100", "9223372036854775808"]) {
    const { body } = await api.get(`users/?offset=${offset}`);
    assert.deepEqual(body.results, [], offset);
    assert.equal(body.count, 6, offset);
  }
});

test("a page over a thousand rows is sent in slices and is whole", async (t) => {
  const api = await createTestApi(t);
  const rows = Array.from({ length: 2345 }, (_, n) => ({ username: `u${n}`, password: "!" }));
  await api.ctx.db.insertInto("app_user").values(rows).execute();
  await api.get("users/?limit=1");

  const answer: { body?: { count: number; next: unknown; results: { id: number }[] } } = {};
  const statements = await api.statementsOf(async () => {
    Object.assign(answer, await api.get("users/?limit=100000&ordering=id"));
  });

  assert.equal(answer.body?.count, 2346);
  assert.equal(answer.body?.next, null);
  const ids = answer.body?.results.map(({ id }) => id) ?? [];
  assert.equal(ids.length, 2346);
  assert.deepEqual(
    ids,
    ids.toSorted((a, b) => a - b),
  );
  assert.ok(statements.length <= 4, "a count at most, and one statement a slice");
});

test("fields choose keys, exclude_fields wins, unknown names do nothing", async (t) => {
  const api = await createTestApi(t);
  const { pulp_href: role } = (await api.post("roles/", { name: "r", permissions: [] })).body;
  const keysOf = async (path: string) => {
    const { body } = await api.get(path);
    return Object.keys(body.results?.[0] ?? body);
  };

  assert.deepEqual(await keysOf(`${role}?fields=locked,name`), ["name", "locked"]);
  assert.deepEqual(await keysOf("roles/?fields=name&fields=prn"), ["prn", "name"]);
  assert.deepEqual(await keysOf(`${role}?fields=name,locked&exclude_fields=locked`), ["name"]);
  assert.deepEqual(await keysOf(`${role}?fields=nonsense`), []);
  const without = await keysOf(`${role}?exclude_fields=permissions,locked,nonsense`);
  assert.equal(without.includes("permissions"), false);
  assert.equal(without.includes("name"), true);
  const many = Array.from({ length: 1000 }, (_, n) => `f${n}`).join();
  assert.deepEqual(await keysOf(`${role}?fields=${many},name`), ["name"]);
  const whole = await keysOf("users/1/");
  assert.equal(whole.includes("password"), false);
  assert.deepEqual(await keysOf("users/1/?fields=username,password"), whole, "users show all");
});

test("the default order is newest first, and a tie-breaker follows every other", async (t) => {
  const api = await withUsers(t);

  assert.deepEqual(await namesOf(api, ""), [...NAMES.toReversed(), "admin"]);
  assert.deepEqual(await namesOf(api, "ordering=is_active"), [
    ...["cyd", "dee", "Bob2", "bob", "ada", "admin"],
  ]);
  assert.deepEqual(await namesOf(api, "ordering=-is_active,username"), [
    ...["Bob2", "ada", "admin", "bob", "dee", "cyd"],
  ]);
  assert.deepEqual(await namesOf(api, "ordering=pk&ordering=-username&limit=1"), ["dee"]);
  for (const word of ["nonsense", "-groups", "username,nonsense", "pk;drop"]) {
    const { status, body } = await api.get(`users/?ordering=${encodeURIComponent(word)}`);
    const bad = word.includes(",") ? "nonsense" : word;
    assert.equal(status, 400);
    assert.deepEqual(body, {
      ordering: [`Select a valid choice. ${bad} is not one of the available choices.`],
    });
  }
});

test("ordering by a secret tells nothing about it", async (t) => {
  const api = await withUsers(t);

  assert.deepEqual(
    await namesOf(api, "ordering=password"),
    await namesOf(api, "ordering=-password"),
  );
});

const LOOKUPS: readonly (readonly [string, readonly string[]])[] = [
  ["username=bob", ["bob"]],
  ["username=BOB", []],
  ["username__iexact=BOB", ["bob"]],
  ["username__in=ada,dee,zoe", ["dee", "ada"]],
  ["username__in=ada&username__in=dee", ["dee"]],
  ["username__contains=ob", ["Bob2", "bob"]],
  ["username__contains=OB", []],
  ["username__icontains=BO", ["Bob2", "bob"]],
  ["username__contains=%25", []],
  ["first_name__contains=%25", ["dee"]],
  ["first_name__contains=_", []],
  ["first_name__contains=%5C", []],
  ["username=", ["dee", "cyd", "Bob2", "bob", "ada", "admin"]],
  ["is_active=FALSE", ["cyd"]],
  ["is_active=maybe&username=ada", ["ada"]],
  ["is_staff=true", ["admin"]],
  ["email__icontains=EXAMPLE&username__contains=d", ["dee", "ada"]],
];

test("every lookup of a text and a boolean", async (t) => {
  const api = await withUsers(t);
  for (const [query, names] of LOOKUPS) {
    assert.deepEqual(await namesOf(api, query), names, query);
  }
});

test("lists of ids, hrefs and PRNs", async (t) => {
  const api = await withUsers(t);
  const uuid = "01900000-0000-7000-8000-000000000000";

  assert.deepEqual(await namesOf(api, `pulp_href__in=${ROOT}users/1/,${ROOT}users/99/`), ["admin"]);
  assert.deepEqual(await namesOf(api, "prn__in=prn:auth.user:1,prn:auth.user:2"), ["ada", "admin"]);
  assert.deepEqual(await namesOf(api, `prn__in=prn:core.task:${uuid}`), []);
  assert.deepEqual(await namesOf(api, `pulp_id__in=${uuid}`), []);

  const bad = [
    ["pulp_id__in=1", { pulp_id__in: ["Enter a valid UUID."] }],
    ["prn__in=x", { prn__in: ["Not a valid PRN: x, must start with 'prn:'"] }],
    ["pulp_href__in=x", { pulp_href__in: ["URI not valid: x"] }],
    ["nonsense=1", { errors: ["Invalid Filter: 'nonsense'"] }],
    ["user__password__startswith=p", { errors: ["Invalid Filter: 'user__password__startswith'"] }],
    ["__proto__=1", { errors: ["Invalid Filter: '__proto__'"] }],
    ["constructor=1", { errors: ["Invalid Filter: 'constructor'"] }],
  ] as const;
  for (const [query, detail] of bad) {
    const { status, body } = await api.get(`users/?${query}`);
    assert.equal(status, 400, query);
    assert.deepEqual(body, detail, query);
  }
});

test("parameters that every list tolerates", async (t) => {
  const api = await withUsers(t);
  const query = "format=json&page_size=5&minimal=true&fields=username";
  assert.equal((await namesOf(api, query)).length, 6);
});

const EXPRESSIONS: readonly (readonly [string, readonly string[]])[] = [
  ["username=ada", ["ada"]],
  ["username='ada'", ["ada"]],
  ['username="ada"', ["ada"]],
  ["NOT username=ada AND is_staff=false", ["dee", "cyd", "Bob2", "bob"]],
  ["username=ada OR username=bob AND is_active=false", ["ada"]],
  ["(username=ada OR username=cyd) AND is_active=false", ["cyd"]],
  ["NOT (username=ada OR username__contains=o)", ["dee", "cyd", "admin"]],
  ["username__in='ada,bob'", ["bob", "ada"]],
  ["  username = ada   OR(username=dee)", ["dee", "ada"]],
  [Array.from({ length: 7 }, (_, n) => `username=u${n}`).join(" OR "), []],
];

const Q_ERRORS: readonly (readonly [string, string])[] = [
  ["nonsense=1", "Filter 'nonsense' does not exist."],
  ["q='username=ada'", "You cannot use 'q' in complex filtering."],
  ["ordering=username", "An ordering filter cannot be used in complex filtering."],
  ["username=ada AND", "Syntax error in expression."],
  ["(username=ada", "Syntax error in expression."],
  ["username=ada)", "Syntax error in expression."],
  ["username~ada", "Syntax error in expression."],
  ["username=ada or username=bob", "Syntax error in expression."],
  [
    Array.from({ length: 8 }, (_, n) => `username=u${n}`).join(" OR "),
    "Filter expression exceeds allowed complexity.",
  ],
  [
    `${"NOT (".repeat(500)}username=a${")".repeat(500)}`,
    "Filter expression exceeds allowed complexity.",
  ],
  [
    "NOT (NOT (NOT (NOT (username=a OR username=b AND username=c))))",
    "Filter expression exceeds allowed complexity.",
  ],
];

test("pages deep in a list go on where the ones before them ended", async (t) => {
  const api = await withUsers(t);
  const rows = Array.from({ length: 1200 }, (_, n) => ({ username: `u${n}`, password: "!" }));
  await api.ctx.db.insertInto("app_user").values(rows).execute();
  for (const ordering of ["id", "-username"]) {
    const query = `ordering=${ordering}&username__contains=u`;
    const all = await namesOf(api, `${query}&limit=1200`);
    for (const offset of [990, 1000, 1001, 1150])
      assert.deepEqual(
        await namesOf(api, `${query}&limit=50&offset=${offset}`),
        all.slice(offset, offset + 50),
        `${ordering} from ${offset}`,
      );
  }
});

test("members of a group, deep in a list, are those of this group", async (t) => {
  const api = await withUsers(t);
  const { db } = api.ctx;
  const rows = Array.from({ length: 1010 }, (_, n) => ({ username: `u${n}`, password: "!" }));
  const users = await db.insertInto("app_user").values(rows).returning("id").execute();
  const groups = await db
    .insertInto("app_group")
    .values([{ name: "a" }, { name: "b" }])
    .returning("id")
    .execute();
  const members = groups.flatMap(({ id }) =>
    users.map((user) => ({ app_group: id, app_user: user.id })),
  );
  await db.insertInto("group_member").values(members).execute();
  for (const { id } of groups) {
    const { body } = await api.get(`groups/${id}/users/?offset=1005`);
    assert.equal(body.count, 1010);
    assert.equal(new Set(body.results.map((one: { username: string }) => one.username)).size, 5);
    assert.equal(body.results.length, 5);
  }
});

test("q joins filters by AND, OR and NOT", async (t) => {
  const api = await withUsers(t);
  for (const [q, names] of EXPRESSIONS) {
    assert.deepEqual(await namesOf(api, `q=${encodeURIComponent(q)}`), names, q);
  }
});

test("q refuses what it does not understand", async (t) => {
  const api = await withUsers(t);
  for (const [q, text] of Q_ERRORS) {
    const { status, body } = await api.get(`users/?q=${encodeURIComponent(q)}`);
    assert.equal(status, 400, q);
    assert.deepEqual(body, { q: [text] }, q);
  }
  const { body } = await api.get("tasks/?q=state%3Dnonsense");
  assert.equal(body.q.length, 1);
  assert.deepEqual(JSON.parse(body.q[0]), {
    state: [
      {
        message: "Select a valid choice. nonsense is not one of the available choices.",
        code: "invalid_choice",
      },
    ],
  });
});

test("a read is one statement and a list at most two, whatever is asked", async (t) => {
  const api = await withUsers(t);
  await api.get("users/1/");
  const cost = async (path: string) => (await api.statementsOf(() => api.get(path))).length;

  assert.equal(await cost("users/1/"), 1);
  assert.equal(await cost("users/"), 1);
  assert.equal(await cost("users/?limit=2"), 2);
  assert.equal(await cost("users/?limit=2&offset=2&username__icontains=o&ordering=email"), 2);
  assert.equal(await cost("tasks/?q=state%3Dwaiting%20OR%20name%3Dx"), 1);
  assert.equal(await cost("task-groups/"), 1);
  assert.equal(await cost("livez/"), 0);
});

test("what a switched-off plugin left is not in lists over all types", async (t) => {
  const api = await createTestApi(t);
  await api.post("remotes/file/file/", { name: "ours", url: "http://x.example/" });
  const { id, num } = { id: crypto.randomUUID(), num: api.domain.num };
  const foreign = { id, domain: num, type: "gone.gone", name: "theirs", url: "http://x.example/" };
  await api.ctx.db.insertInto("remote").values(foreign).execute();
  const { status, body } = await api.get("remotes/");
  assert.deepEqual([status, body.count, body.results[0].name], [200, 1, "ours"]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestApi, ROOT, type TestApi } from "../support/rest-api.ts";
import { addTask } from "../support/rest-rows.ts";

const PASSWORD = "a good long password";
const EVE = { user: `eve:${PASSWORD}` };

/** Eve is in the crew. */
async function withPeople(t: Parameters<typeof createTestApi>[0]): Promise<TestApi> {
  const api = await createTestApi(t);
  await api.post("users/", { username: "eve", password: PASSWORD });
  await api.post("groups/", { name: "crew" });
  await api.post("groups/1/users/", { username: "eve" });
  return api;
}

/** An object of several kinds, with a role that fits. */
async function objects(api: TestApi): Promise<readonly (readonly [object: Named, role: string])[]> {
  const make = async (path: string, json: unknown): Promise<Named> => {
    const { status, body, text } = await api.post(path, json);
    assert.equal(status, 201, text);
    return body;
  };
  const task = await addTask(api);
  return [
    [await make("repositories/file/file/", { name: "r" }), "file.filerepository_viewer"],
    [await make("groups/", { name: "team" }), "core.group_viewer"],
    [await make("contentguards/core/rbac/", { name: "g" }), "core.rbaccontentguard_downloader"],
    [await make("uploads/", { size: 3 }), "core.upload_viewer"],
    [{ pulp_href: `${ROOT}tasks/${task}/`, prn: `prn:core.task:${task}` }, "core.task_viewer"],
    [(await api.get("domains/")).body.results[0], "core.domain_viewer"],
  ];
}

interface Named {
  readonly pulp_href: string;
  readonly prn: string;
}

for (const holder of ["users/2/", "groups/1/"]) {
  test(`a role on any object is given, shown and taken: ${holder}`, async (t) => {
    const api = await withPeople(t);
    const roles = `${holder}roles/`;
    for (const [{ pulp_href: object, prn }, role] of await objects(api)) {
      const byHref = await api.post(roles, { role, content_object: object });
      assert.equal(byHref.status, 201, byHref.text);
      const { pulp_href } = byHref.body;
      assert.equal(byHref.headers.location, pulp_href);
      assert.equal(pulp_href.startsWith(`${ROOT}${roles}`), true);
      const noun = holder.startsWith("users") ? "user" : "group";
      assert.equal(byHref.body.prn, `prn:core.${noun}role:${pulp_href.split("/").at(-2)}`);
      assert.deepEqual(
        [byHref.body.role, byHref.body.content_object, byHref.body.content_object_prn],
        [role, object, prn],
      );
      assert.equal(byHref.body.domain, null);
      assert.equal(byHref.body.permissions.length, 1);

      const twice = await api.post(roles, { role, content_object_prn: prn });
      assert.deepEqual(twice.body, {
        non_field_errors: [`The role is already assigned to this ${noun}.`],
      });
      const query = `role__in=${role}&content_object=${object}`;
      assert.equal((await api.get(`${roles}?${query}`)).body.count, 1);
      assert.deepEqual((await api.get(pulp_href)).body, byHref.body);
      assert.equal((await api.request("DELETE", pulp_href)).status, 204);
      assert.equal((await api.get(pulp_href)).status, 404);
      const byPrn = await api.post(roles, { role, content_object_prn: prn });
      assert.equal(byPrn.body.content_object, object);
    }
    assert.equal((await api.get(roles)).body.count, 6);
  });
}

test("what cannot be given", async (t) => {
  const api = await withPeople(t);
  const { pulp_href: repository } = (await api.post("repositories/file/file/", { name: "r" })).body;
  const { pulp_href: domain } = (await api.get("domains/")).body.results[0];
  const role = "file.filerepository_viewer";
  const refused: readonly (readonly [object, object])[] = [
    [{ content_object: null }, { role: ["This field is required."] }],
    [
      { role },
      {
        non_field_errors: [
          "Either 'content_object' or 'content_object_prn' needs to be specified. Use 'null' for global or domain level access.",
        ],
      },
    ],
    [
      { role, content_object: repository, domain },
      { non_field_errors: ["Domain and content_object are mutually exclusive."] },
    ],
    [
      { role: "core.task_viewer", content_object: repository },
      {
        non_field_errors: [
          "The role 'core.task_viewer' does not carry any permission for that object.",
        ],
      },
    ],
    [
      { role: "core.group_viewer", content_object: null, domain },
      {
        non_field_errors: [
          "The role 'core.group_viewer' does not carry any permission on an object with a domain",
        ],
      },
    ],
    [
      { role: "nonsense", content_object: null },
      { role: ["Object with name=nonsense does not exist."] },
    ],
    [{ role, content_object: "/x/" }, { content_object: ["Invalid value: /x/."] }],
    [
      { role, content_object: `${ROOT}groups/99999999999999/` },
      { content_object: [`Invalid value: ${ROOT}groups/99999999999999/.`] },
    ],
    [
      { role, content_object: `${ROOT}users/2/` },
      { content_object: [`Invalid value: ${ROOT}users/2/.`] },
    ],
    [
      { role, content_object_prn: "prn:file.filerepository:01900000-0000-7000-8000-000000000000" },
      {
        content_object_prn: [
          "Invalid value: prn:file.filerepository:01900000-0000-7000-8000-000000000000.",
        ],
      },
    ],
    [
      { role, content_object: null, domain: repository },
      { domain: ["Invalid hyperlink - Incorrect URL match."] },
    ],
    [{ role, content_object: null, more: 1 }, { more: ["Unexpected field"] }],
  ];
  for (const [json, detail] of refused) {
    const { status, body } = await api.post("users/2/roles/", json);
    assert.deepEqual([status, body], [400, detail], JSON.stringify(json));
  }
  assert.equal((await api.get("users/2/roles/")).body.count, 0);
  const nobody = await api.post("users/77/roles/", { role, content_object: null });
  assert.equal(nobody.status, 404);
});

test("levels are told apart and found by filters", async (t) => {
  const api = await withPeople(t);
  const { pulp_href: object } = (await api.post("repositories/file/file/", { name: "r" })).body;
  const { pulp_href: domain } = (await api.get("domains/")).body.results[0];
  const give = (json: object) => api.post("groups/1/roles/", json);
  await give({ role: "core.task_viewer", content_object: null });
  await give({ role: "core.task_owner", content_object: null, domain });
  await give({ role: "file.filerepository_owner", content_object: object });
  const again = await give({ role: "core.task_owner", content_object_prn: null, domain });
  assert.equal(again.status, 400);
  assert.equal((await give({ role: "core.task_owner", content_object: null })).status, 201);

  const found = async (query: string) => {
    const { status, body, text } = await api.get(`groups/1/roles/?ordering=role&${query}`);
    assert.equal(status, 200, text);
    return body.results.map((one: { role: string; domain: string | null }) =>
      one.domain === null ? one.role : `${one.role} in ${one.domain}`,
    );
  };
  const owner = ["core.task_owner", `core.task_owner in ${domain}`];
  assert.deepEqual(await found("content_object=null"), [...owner, "core.task_viewer"]);
  assert.deepEqual(await found(`domain=${domain}`), [`core.task_owner in ${domain}`]);
  assert.deepEqual(await found("domain=null&content_object=null"), [
    ...["core.task_owner", "core.task_viewer"],
  ]);
  assert.deepEqual(await found(`content_object=${object}`), ["file.filerepository_owner"]);
  assert.deepEqual(await found("role__startswith=file."), ["file.filerepository_owner"]);
  assert.deepEqual(await found("role__icontains=TASK_O&ordering=pulp_created"), owner.toReversed());
  const far = await api.get(`groups/1/roles/?content_object=${ROOT}groups/99999999999999/`);
  assert.equal(far.status, 400);
  const odd = await api.get("groups/1/roles/?content_object=/x/");
  assert.deepEqual([odd.status, odd.body], [400, ["URI couldn't be resolved: /x/"]]);
});

test("what was given counts at once, and ends with its holder", async (t) => {
  const api = await withPeople(t);
  await api.post("repositories/file/file/", { name: "r" });
  const seen = async () => (await api.get("repositories/file/file/", EVE)).body.count;
  assert.equal(await seen(), 0);
  const role = "file.filerepository_viewer";
  const given = await api.post("groups/1/roles/", { role, content_object: null });
  assert.equal(await seen(), 1, "by the group");

  await api.request("DELETE", "groups/1/users/2/");
  assert.equal(await seen(), 0, "no longer a member");
  await api.post("groups/1/users/", { id: 2 });
  assert.equal(await seen(), 1);
  await api.request("DELETE", given.body.pulp_href);
  assert.equal(await seen(), 0);
  await api.post("groups/1/roles/", { role, content_object: null });
  await api.post("users/2/roles/", { role, content_object: null });
  await api.request("DELETE", "groups/1/");
  assert.equal(await seen(), 1, "by what Eve holds herself");

  await api.request("DELETE", "users/2/");
  const left = await api.ctx.db.selectFrom("role_assignment").select("subject").execute();
  assert.deepEqual([...new Set(left.map(({ subject }) => subject))], [1], "the administrator's");
});

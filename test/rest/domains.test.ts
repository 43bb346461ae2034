import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { routesOf } from "#rest/kit/routes.ts";
import { createApi as createServer } from "#rest/kit/server.ts";
import { ADMIN_PASSWORD, createTestApi, type TestApi } from "../support/rest-api.ts";

const FILE_SYSTEM = "pulpcore.app.models.storage.FileSystem";
const S3 = "storages.backends.s3.S3Storage";
const ON = { settings: { DOMAIN_ENABLED: true } };

const inDomain = (name: string, path = "") => `/pulp/${name}/api/v3/${path}`;

const createApi = (t: TestContext) => createTestApi(t, ON);

async function createDomain(api: TestApi, name: string, more: object = {}) {
  const body = { name, storage_class: FILE_SYSTEM, storage_settings: { MEDIA_ROOT: "" }, ...more };
  const answer = await api.post(inDomain("default", "domains/"), body);
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
}

test("a domain is made with every option of its store, and hrefs of domains say default", async (t) => {
  const api = await createApi(t);
  const body = await createDomain(api, "d1", { description: "First", pulp_labels: { a: "b" } });

  assert.match(body.pulp_href, /^\/pulp\/default\/api\/v3\/domains\/[0-9a-f-]{36}\/$/);
  assert.deepEqual(
    { ...body, pulp_href: "", prn: "", pulp_created: "", pulp_last_updated: "" },
    {
      pulp_href: "",
      prn: "",
      pulp_created: "",
      pulp_last_updated: "",
      name: "d1",
      description: "First",
      pulp_labels: { a: "b" },
      storage_class: FILE_SYSTEM,
      storage_settings: {
        location: "",
        base_url: "",
        file_permissions_mode: 420,
        directory_permissions_mode: null,
        hidden_fields: [],
      },
      redirect_to_object_storage: true,
      hide_guarded_distributions: false,
    },
  );
  const { rows } = await api.get(inDomain("d1", "domains/?name=d1")).then((a) => ({
    rows: a.body.results,
  }));
  assert.equal(rows[0].pulp_href, body.pulp_href);
  const stored = await api.ctx.db
    .selectFrom("domain")
    .select("storage_settings")
    .where("name", "=", "d1")
    .executeTakeFirstOrThrow();
  for (const leaf of Object.values(stored.storage_settings)) assert.match(String(leaf), /^sealed:/);
});

test("what cannot be a domain is refused with the words of the contract", async (t) => {
  const api = await createApi(t);
  const refuse = async (more: object, expected: object) => {
    const body = { name: "x", storage_class: FILE_SYSTEM, storage_settings: { location: "" } };
    const answer = await api.post(inDomain("default", "domains/"), { ...body, ...more });
    assert.equal(answer.status, 400, answer.text);
    assert.deepEqual(answer.body, expected);
  };

  for (const name of ["api", "Content"])
    await refuse({ name }, { name: ["Name can not be 'api' or 'content'."] });
  await refuse({ name: "default" }, { name: ["This field must be unique."] });
  await refuse(
    { name: "a b" },
    { name: ['Enter a valid "slug" consisting of letters, numbers, underscores or hyphens.'] },
  );
  await refuse(
    { name: "n".repeat(51) },
    { name: ["Ensure this field has no more than 50 characters."] },
  );
  await refuse(
    { storage_settings: { location: "", nope: 1 } },
    { storage_settings: { nope: "Unexpected field" } },
  );
  await refuse(
    { storage_settings: {} },
    { storage_settings: { location: ["This field is required."] } },
  );
  await refuse(
    { storage_settings: { location: "", file_permissions_mode: "rw" } },
    { storage_settings: { file_permissions_mode: ["A valid integer is required."] } },
  );
  await refuse(
    { storage_settings: { location: "relative" } },
    {
      storage_settings: [
        "Backend settings contain incorrect values: location must be an absolute path",
      ],
    },
  );
  for (const [storage_settings, problem] of [
    ["[", "Value must be valid JSON."],
    ["[]", "Expected a dictionary of items."],
    [[], "Expected a dictionary of items."],
  ])
    await refuse({ storage_settings }, { storage_settings: [problem] });
  await refuse({ storage_class: "nope" }, { storage_class: ['"nope" is not a valid choice.'] });
  await refuse(
    {
      storage_class: S3,
      storage_settings: { AWS_ACCESS_KEY_ID: "a", AWS_STORAGE_BUCKET_NAME: "" },
    },
    {
      storage_settings: { AWS_STORAGE_BUCKET_NAME: ["This field may not be blank."] },
    },
  );
  await refuse(
    { storage_class: S3, storage_settings: { access_key: "a", bucket_name: "b" } },
    {
      storage_settings: {
        non_field_errors: ["One of 'secret_key' or 'security_token' must be set."],
      },
    },
  );
});

test("options of other stores are looked at together", async (t) => {
  const api = await createApi(t);
  const [GCS, OCI] = [
    "storages.backends.gcloud.GoogleCloudStorage",
    "pulp_service.app.storage.OCIStorageBackend",
  ];
  const bucket = { bucket_name: "b", project_id: "p" };
  const repository = { username: "u", password: "p", repository: "a/b" };
  const account = { client_email: "a@b", private_key: "k" };
  for (const [storage_class, storage_settings, why] of [
    [GCS, { ...bucket, expiration: 604_801 }, /expiration must be between/],
    [GCS, { ...bucket, credentials: account }, /credentials must be those of a service account/],
    [GCS, { ...bucket, credentials: { type: "external_account", ...account } }, /service account/],
    [GCS, { ...bucket, api_endpoint: "file:///etc" }, /api_endpoint must be the address/],
    [OCI, { ...repository, registry: "a/b" }, /registry must be a host/],
    [OCI, { ...repository, registry: "user@host" }, /registry must be a host/],
    [OCI, { ...repository, repository: "../x" }, /repository must be a path/],
    ["storages.backends.sftpstorage.SFTPStorage", { host: "h" }, /is not a valid choice/],
  ] as const) {
    const body = { name: "wrong", storage_class, storage_settings };
    const answer = await api.post(inDomain("default", "domains/"), body);
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.text, why);
  }
  for (const [name, storage_class, storage_settings] of [
    ["google", GCS, { ...bucket, credentials: { type: "service_account", ...account } }],
    ["images", OCI, repository],
  ] as const) {
    const body = { name, storage_class, storage_settings };
    const answer = await api.post(inDomain("default", "domains/"), body);
    assert.equal(answer.status, 201, answer.text);
    assert.doesNotMatch(answer.text, /private_key|"password":/);
  }
});

test("a change merges settings, does nothing where nothing differs, and is used at once", async (t) => {
  const api = await createApi(t);
  const { pulp_href: href } = await createDomain(api, "d1");
  const elsewhere = join(api.mediaRoot, "elsewhere");
  await createDomain(api, "text", { storage_settings: '{"location": ""}' });

  const same = await api.request("PATCH", href, {
    json: { storage_settings: { MEDIA_ROOT: "" }, name: "d1" },
  });
  assert.equal(same.status, 200);
  const changed = await api.request("PATCH", href, {
    json: { storage_settings: { MEDIA_ROOT: elsewhere }, hide_guarded_distributions: true },
  });
  assert.equal(changed.status, 202, changed.text);
  const { body: task } = await api.get(changed.body.task);
  assert.equal(task.state, "completed", JSON.stringify(task.error));
  const { body } = await api.get(href);
  assert.equal(body.storage_settings.location, elsewhere);
  assert.equal(body.storage_settings.file_permissions_mode, 420);
  assert.equal(body.hide_guarded_distributions, true);
  assert.deepEqual(task.result, body);

  const labelled = await api.post(`${href}set_label/`, { key: "k", value: "v" });
  assert.equal(labelled.status, 201);
  assert.deepEqual((await api.get(href)).body.pulp_labels, { k: "v" });
  assert.equal((await api.post(`${href}unset_label/`, { key: "k" })).status, 201);
});

test("the default domain is what the settings say, and nobody changes it", async (t) => {
  const api = await createApi(t);
  const list = await api.get(inDomain("default", "domains/?name=default"));
  const [home] = list.body.results;
  assert.equal(home.storage_settings.location, api.mediaRoot);

  const patch = await api.request("PATCH", home.pulp_href, { json: { description: "x" } });
  assert.deepEqual([patch.status, patch.body], [400, ["Default domain can not be updated."]]);
  const remove = await api.request("DELETE", home.pulp_href);
  assert.deepEqual([remove.status, remove.body], [400, ["Default domain can not be deleted."]]);
  const migrate = await api.post(inDomain("default", "domains/migrate/"), {
    storage_class: FILE_SYSTEM,
    storage_settings: { location: "/tmp/x" },
  });
  assert.deepEqual([migrate.status, migrate.body], [400, ["Default domain can not be migrated."]]);
});

test("addresses name a domain that exists, or nothing is said about who asks", async (t) => {
  const api = await createApi(t);
  await createDomain(api, "d1");

  for (const [name, path] of [
    ...["", "tasks/", "status/", "livez/", "docs/api.json"].map((path) => ["nobody", path]),
    ...["a.b", "%00", "d".repeat(51), "D1"].map((name) => [name, "tasks/"]),
  ] as const) {
    const answer = await api.get(inDomain(name ?? "", path), { user: null });
    assert.equal(answer.status, 404, `${name} ${path}`);
    assert.match(String(answer.headers["content-type"]), /^text\/html/);
    assert.match(answer.text, /<h1>Not Found<\/h1>/);
  }
  for (const path of ["status/", "livez/", "docs/api.json", "docs/", "swagger/"]) {
    assert.equal((await api.get(`/pulp/api/v3/${path}`, { user: null })).status, 200, path);
    assert.equal((await api.get(inDomain("d1", path), { user: null })).status, 200, path);
  }
  for (const path of ["", "tasks/", "repositories/file/file/"])
    assert.equal((await api.get(`/pulp/api/v3/${path}`)).status, 404, path);

  const { body: index } = await api.get(inDomain("d1"), { user: null });
  assert.equal(index.tasks, "http://deckle.example/pulp/d1/api/v3/tasks/");
  assert.equal((await api.get(inDomain("d1", "status/"))).body.domain_enabled, true);
});

test("hrefs name the domain of their object, and of objects without one the default", async (t) => {
  const api = await createApi(t);
  await createDomain(api, "d1");
  const { body: repository } = await api.post(inDomain("d1", "repositories/file/file/"), {
    name: "r",
  });
  assert.match(repository.pulp_href, /^\/pulp\/d1\/api\/v3\/repositories\/file\/file\//);
  assert.equal(repository.latest_version_href, `${repository.pulp_href}versions/0/`);
  const { body: users } = await api.get(inDomain("d1", "users/"));
  assert.equal(users.results[0].pulp_href, "/pulp/default/api/v3/users/1/");
  const made = await api.post(inDomain("d1", "distributions/file/file/"), {
    name: "d",
    base_path: "p/q",
    repository: repository.pulp_href,
  });
  const { body: task } = await api.get(made.body.task);
  assert.match(made.body.task, /^\/pulp\/d1\/api\/v3\/tasks\//);
  assert.equal(task.result.base_url, "/pulp/content/d1/p/q/");
  assert.deepEqual(task.created_resources, [task.result.pulp_href]);
  assert.equal(task.created_by, "/pulp/d1/api/v3/users/1/");
});

test("a domain is deleted when nothing needs it, with its units, files and tasks", async (t) => {
  const api = await createApi(t);
  const { pulp_href: href } = await createDomain(api, "d1");
  const { body: repository } = await api.post(inDomain("d1", "repositories/file/file/"), {
    name: "r",
  });

  const blocked = await api.request("DELETE", href);
  assert.equal(blocked.status, 202);
  const { body: failed } = await api.get(blocked.body.task);
  assert.equal(failed.state, "failed");
  assert.equal(
    failed.error.description,
    "The domain cannot be deleted: it still has 1 repositories.",
  );

  await api.ctx.db.deleteFrom("repository").where("name", "=", "r").execute();
  const path = href.replace("/default/", "/d1/");
  const gone = await api.request("DELETE", path);
  assert.equal(gone.status, 202, gone.text);
  assert.match(gone.body.task, /^\/pulp\/default\/api\/v3\/tasks\//);
  const { body: task } = await api.get(gone.body.task);
  assert.equal(task.state, "completed", JSON.stringify(task.error));
  assert.equal((await api.get(href)).status, 404);
  assert.equal((await api.get(repository.pulp_href)).status, 404);
  assert.deepEqual(await readdir(api.mediaRoot), []);
});

test("an installation without domains finds everything in the default one when they come", async (t) => {
  const before = await createTestApi(t);
  const made = await before.post("repositories/file/file/", { name: "old" });
  const after = await createTestApi(t, { ...ON, beside: before });

  const href = made.body.pulp_href.replace("/pulp/", "/pulp/default/");
  const { status, body } = await after.get(href);
  assert.deepEqual([status, body.name, body.pulp_href], [200, "old", href]);
  assert.equal((await after.get(made.body.pulp_href)).status, 404);
  const { body: labelled } = await after.request("PATCH", href, { json: { description: "x" } });
  assert.match(labelled.task, /^\/pulp\/default\//);
});

test("who writes to a domain that is deleted just now is told that it is not there", async (t) => {
  const api = await createApi(t);
  const { pulp_href: href } = await createDomain(api, "d1");
  const row = await api.ctx.db.selectFrom("domain").selectAll().where("name", "=", "d1");
  const { num, id, name } = await row.executeTakeFirstOrThrow();
  const late = createApiOf(api, async () => ({ num, id, name }));
  t.after(() => late.close());
  assert.equal((await api.request("DELETE", href)).status, 202);
  const authorization = `Basic ${Buffer.from(`admin:${ADMIN_PASSWORD}`).toString("base64")}`;

  for (const [path, payload] of [
    ["remotes/file/file/", { name: "r", url: "http://x.example/" }],
    ["repositories/file/file/", { name: "r" }],
    ["uploads/", { size: 1 }],
    ["orphans/cleanup/", {}],
  ] as const) {
    const headers = { host: "deckle.example", authorization };
    const answer = await late.inject({
      method: "POST",
      url: inDomain("d1", path),
      headers,
      payload,
    });
    assert.equal(answer.statusCode, 404, `${path}: ${answer.payload}`);
  }
});

test("only administrators make, move and delete domains, and nobody else learns of objects", async (t) => {
  const api = await createApi(t);
  const { pulp_href: href } = await createDomain(api, "d1");
  const eve = { username: "eve", password: "long enough for eve" };
  assert.equal((await api.post(inDomain("default", "users/"), eve)).status, 201);
  const made = await api.post(inDomain("d1", "repositories/file/file/"), { name: "r" });
  const store = { storage_class: FILE_SYSTEM, storage_settings: { location: "" } };
  const requests = [
    ["POST", inDomain("d1", "domains/"), { name: "d2", ...store }],
    ["POST", inDomain("d1", "domains/migrate/"), store],
    ["PATCH", href, { description: "x" }],
    ["DELETE", href, {}],
    ["DELETE", made.body.pulp_href, {}],
  ] as const;

  for (const [method, url, json] of requests) {
    const user = `${eve.username}:${eve.password}`;
    const known = await api.request(method, url, { json, user });
    assert.ok([403, 404].includes(known.status), `${method} ${url}: ${known.text}`);
    assert.equal((await api.request(method, url, { json, user: null })).status, 401);
  }
});

const createApiOf = (
  { ctx, api, generalTasks }: TestApi,
  findDomain: Parameters<typeof createServer>[1]["findDomain"],
) => createServer(ctx, { api, routes: routesOf(api, generalTasks), findDomain });

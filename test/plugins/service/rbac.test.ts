import assert from "node:assert/strict";
import { test } from "node:test";
import { enabledPlugins } from "#app/plugins.ts";
import type { RequestOptions, TestApi } from "../../support/rest-api.ts";
import {
  as,
  below,
  CLASSES,
  certificate,
  createService,
  makeDomain,
  makeIndex,
  RBAC,
  STRANGER,
  user,
} from "./support.ts";

const FILES = "repositories/file/file/";
const ANA = as(user("ana", "1"));
const EVE = as(user("eve", "2"));

const withRoles = (t: Parameters<typeof createService>[0]) =>
  createService(t, {
    REST_FRAMEWORK: {
      DEFAULT_AUTHENTICATION_CLASSES: [CLASSES.certificate, CLASSES.basic, CLASSES.terms],
      DEFAULT_PERMISSION_CLASSES: [RBAC],
    },
  });

const names = async (api: TestApi, path: string, who: RequestOptions) => {
  const { status, body } = await api.get(path, who);
  assert.equal(status, 200, path);
  return body.results.map(({ name }: { name: string }) => name).sort();
};

test("5.4: roles decide, and public domains and indexes are open as well", async (t) => {
  const api = await withRoles(t);
  await api.get(below("default", "login/"), ANA);
  for (const name of ["team-a", "public-x"]) {
    await makeDomain(api, name, {});
    await api.request("POST", below(name, FILES), { json: { name: "r" } });
    await makeIndex(api, name);
  }
  await makeIndex(api, "team-a", { name: "guarded", guardedFor: "7" });
  assert.deepEqual(await names(api, below("public-x", FILES), STRANGER), ["r"]);
  assert.deepEqual(await names(api, below("public-x", FILES), EVE), ["r"], "and its objects show");
  assert.equal((await api.get(below("public-x", "tasks/"), STRANGER)).status, 401);
  assert.equal((await api.get(below("team-a", FILES), STRANGER)).status, 401, "24 RBAC");
  assert.deepEqual(await names(api, below("team-a", FILES), ANA), [], "nothing without a role");
  assert.deepEqual(await names(api, below("default", "domains/"), ANA), ["public-x"]);

  const { results } = (await api.get(below("default", "domains/?name=team-a"))).body;
  const { body } = await api.get(below("default", "users/?username=1|ana"));
  const json = {
    role: "file.filerepository_viewer",
    domain: results[0].pulp_href,
    content_object: null,
  };
  const given = await api.request("POST", `${body.results[0].pulp_href}roles/`, { json });
  assert.equal(given.status, 201, given.text);
  assert.deepEqual(await names(api, below("team-a", FILES), ANA), ["r"]);
  const write = await api.request("POST", below("team-a", FILES), { ...ANA, json: { name: "s" } });
  assert.equal(write.status, 403);

  const index = async (path: string, who: RequestOptions) =>
    (await api.get(`/pypi/${path}/simple/`, who)).status;
  assert.equal(await index("team-a/idx", STRANGER), 200);
  assert.equal(await index("team-a/guarded", EVE), 403);
  assert.equal(await index("team-a/guarded", as(user("kim", "7"))), 200);
});

test("5.4: whoever makes a domain by himself owns it by a role", async (t) => {
  const api = await withRoles(t);
  await makeDomain(api, "template-domain-s3", {});
  const made = await api.request("POST", "/api/pulp/create-domain/", {
    ...ANA,
    json: { name: "own" },
  });
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(await names(api, below("default", "domains/"), ANA), ["own"]);
  assert.equal((await api.get(made.body.pulp_href, ANA)).status, 200);
  assert.equal((await api.get(made.body.pulp_href, as(certificate("/CN=x", "1")))).status, 404);
});

test("the plugin is loaded only where it is named", () => {
  const labels = (names: readonly string[] | null) =>
    enabledPlugins(names).map(({ label }) => label);
  assert.ok(!labels(null).includes("service"));
  assert.deepEqual(labels(["file", "service"]), ["file", "service"]);
  assert.deepEqual(labels(["pulp_service"]), ["service"]);
});

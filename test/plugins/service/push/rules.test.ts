import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ctx } from "#core/ctx.ts";
import { isScannedRepository } from "#core/scanning/queries.ts";
import { formOf } from "../../../support/rest-api.ts";
import { as, below, CLASSES, createService, make, RBAC, saml } from "../support.ts";

const at = (path: string) => below("default", path);
const classes = [CLASSES.saml, CLASSES.basic];

test("a record goes before the label of its repository, unless it says inherit", async (t) => {
  const api = await createService(t, { classes });
  const labelled = { name: "r", pulp_labels: { malware_scanning: "true" } };
  const repository = await make(api, at("repositories/file/file/"), labelled);
  const plain = await make(api, at("repositories/file/file/"), { name: "plain" });
  const record = await make(api, at("push_repository/"), { name: "p", repository });
  const other = await make(api, at("push_repository/"), { name: "o", repository: plain });
  // Only whether there is one is asked here.
  const ctx: Ctx = { ...api.ctx, scanner: {} as NonNullable<Ctx["scanner"]> };
  const isScanned = (href: string) => isScannedRepository(ctx, href.split("/").at(-2) ?? "");
  const set = (href: string, malware_scanning: string) =>
    api.request("PATCH", href, { json: { malware_scanning } });
  assert.deepEqual([await isScanned(repository), await isScanned(plain)], [true, false]);
  await set(record, "off");
  await set(other, "on");
  assert.deepEqual([await isScanned(repository), await isScanned(plain)], [false, true]);
});

test("where roles decide, who makes a record may push by it, and others by a role on it", async (t) => {
  const api = await createService(t, {
    classes,
    REST_FRAMEWORK: {
      DEFAULT_AUTHENTICATION_CLASSES: classes,
      DEFAULT_PERMISSION_CLASSES: [RBAC],
    },
  });
  const [ops, dev] = [as(saml("ops@example.org")), as(saml("dev@example.org"))];
  for (const who of [ops, dev]) await api.get(at("login/"), who);
  const repository = await make(api, at("repositories/file/file/"), { name: "r" });
  const json = { name: "p", repository };
  const create = () => api.request("POST", at("push_repository/"), { ...ops, json });
  assert.equal((await create()).status, 403);
  const { results } = (await api.get(at("users/?username=ops@example.org"))).body;
  const role = { role: "service.pushrepository_creator", content_object: null, domain: null };
  const given = await api.request("POST", `${results[0].pulp_href}roles/`, { json: role });
  assert.equal(given.status, 201, given.text);
  assert.equal((await create()).status, 403, "the repository is none of his");
  const hers = { role: "file.filerepository_owner", users: ["ops@example.org"] };
  const owned = await api.request("POST", `${repository}add_role/`, { json: hers });
  assert.equal(owned.status, 201, owned.text);
  const made = await create();
  assert.equal(made.status, 201, made.text);
  const href = made.body.pulp_href;
  const push = async (who: typeof ops) => {
    const form = formOf({}, [{ name: "file", bytes: "x", filename: "x" }]);
    const headers = { ...who.headers, ...form.headers };
    return (await api.request("POST", `${href}push/`, { ...form, user: null, headers })).status;
  };
  assert.equal(await push(ops), 202);
  assert.equal((await api.get(href, dev)).status, 404, "he does not see it");
  assert.ok([403, 404].includes(await push(dev)));
  const owner = { role: "service.pushrepository_owner", users: ["dev@example.org"] };
  assert.equal(
    (await api.request("POST", `${href}add_role/`, { ...ops, json: owner })).status,
    201,
  );
  assert.equal(await push(dev), 202);
});

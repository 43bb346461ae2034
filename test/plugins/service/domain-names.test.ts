import assert from "node:assert/strict";
import { test } from "node:test";
import { endedTask } from "../../support/run-tasks.ts";
import { as, CLASSES, createService, DOMAIN_BASED, makeDomain, RBAC, user } from "./support.ts";

const ANA = as(user("ana", "1"));
const NOT_YOURS = { name: ["Names that begin with 'template-' are for administrators."] };

for (const permission of [DOMAIN_BASED, RBAC]) {
  test(`6.1: no domain is renamed to what others get a copy of, ${permission.split(".").at(-1)}`, async (t) => {
    const api = await createService(t, {
      REST_FRAMEWORK: {
        DEFAULT_AUTHENTICATION_CLASSES: [CLASSES.basic, CLASSES.terms],
        DEFAULT_PERMISSION_CLASSES: [permission],
      },
    });
    await makeDomain(api, "template-domain-s3", {});
    const json = { name: "own" };
    const made = await api.request("POST", "/api/pulp/create-domain/", { ...ANA, json });
    assert.equal(made.status, 201, made.text);
    const { pulp_href: href } = made.body;
    const change = (method: string, body: object, who: object = ANA) =>
      api.request(method, href, { ...who, json: body });
    for (const name of ["template-domain-s4", "Template-x"]) {
      const refused = await change("PATCH", { name });
      assert.deepEqual([refused.status, refused.body], [400, NOT_YOURS], name);
      const whole = await change("PUT", { ...made.body, name });
      assert.deepEqual([whole.status, whole.body], [400, NOT_YOURS], name);
    }
    const foreign = await change("PATCH", { name: "template-x" }, as(user("eve", "2")));
    assert.equal(foreign.status, permission === RBAC ? 404 : 403);
    const bad = await change("PATCH", { name: 7 });
    assert.equal(bad.status, 400);
    assert.notDeepEqual(bad.body, NOT_YOURS);

    const fine = await change("PATCH", { name: "renamed", description: "d" });
    await endedTask(api, fine);
    assert.equal((await api.get(href)).body.name, "renamed");
    await endedTask(api, await change("PATCH", { name: "template-mine" }, {}));
    assert.equal((await api.get(href)).body.name, "template-mine", "administrators may");
    await endedTask(api, await change("PATCH", { name: "template-mine", description: "e" }));
    assert.equal((await api.get(href)).body.description, "e", "and what it is called it may stay");
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { endedTask } from "../../../support/run-tasks.ts";
import { ADMIN, ANA, BEN, createRepository, domainsShownTo, EVE, FILES } from "../people.ts";
import {
  as,
  below,
  CLASSES,
  certificate,
  createService,
  makeDomain,
  statuses,
  user,
} from "../support.ts";

test("24 Domain permissions: one's own organisation may, others may not, and nobody in default", async (t) => {
  const api = await createService(t);
  const { pulp_href } = await makeDomain(api, "team-a", ANA);
  assert.deepEqual(
    await statuses({
      own: () => createRepository(api, "team-a", ANA),
      colleague: () => createRepository(api, "team-a", BEN),
      foreign: () => createRepository(api, "team-a", EVE),
      "foreign read": () => api.get(below("team-a", FILES), EVE),
      default: () => createRepository(api, "default", ANA),
      "admin by Basic": () => createRepository(api, "team-a", ADMIN),
      "foreign delete": () => api.request("DELETE", pulp_href, EVE),
      "delete of what is not there": () =>
        api.request("DELETE", below("default", `domains/${crypto.randomUUID()}/`), EVE),
      "foreign retrieve": () => api.get(pulp_href, EVE),
      "own retrieve": () => api.get(pulp_href, ANA),
      "own label": () =>
        api.request("POST", `${pulp_href}set_label/`, { ...ANA, json: { key: "a", value: "b" } }),
      "foreign label": () =>
        api.request("POST", `${pulp_href}set_label/`, { ...EVE, json: { key: "a", value: "b" } }),
    }),
    {
      ...{ own: 201, colleague: 201, foreign: 403, "foreign read": 403, default: 403 },
      ...{ "admin by Basic": 201, "foreign delete": 403, "delete of what is not there": 403 },
      ...{ "foreign retrieve": 403, "own retrieve": 200, "own label": 201, "foreign label": 403 },
    },
  );
  const changed = await api.request("PATCH", pulp_href, { ...BEN, json: { description: "ours" } });
  assert.equal((await endedTask(api, changed)).state, "completed");
  for (const repository of (await api.get(below("team-a", FILES))).body.results)
    await endedTask(api, await api.request("DELETE", repository.pulp_href));
  const gone = await api.request("DELETE", pulp_href, ANA);
  assert.equal((await endedTask(api, gone)).state, "completed", "the owner may delete it");
});

test("24 Domain permissions: lists show exactly one's own domains, each once, and never default", async (t) => {
  const api = await createService(t);
  await makeDomain(api, "of-ana", ANA);
  await makeDomain(api, "of-ben", BEN);
  await makeDomain(api, "of-eve", EVE);
  await makeDomain(api, "of-admin", ADMIN);
  const cert = as(certificate("/CN=lone"));
  await makeDomain(api, "of-lone", cert);
  assert.deepEqual(await domainsShownTo(api, ANA), ["of-ana", "of-ben"]);
  assert.deepEqual(await domainsShownTo(api, EVE), ["of-eve"]);
  assert.deepEqual(
    await domainsShownTo(api, cert),
    ["of-lone"],
    "without an organisation by the user",
  );
  const all = ["default", "of-admin", "of-ana", "of-ben", "of-eve", "of-lone"];
  assert.deepEqual(await domainsShownTo(api, ADMIN), all);

  const link = { org_id: "1", user: "1|ana", domains: ["of-ana", "of-eve"] };
  const made = await api.request("POST", below("default", "domain_orgs/"), { json: link });
  assert.deepEqual([made.status, made.body.domains], [201, link.domains], made.text);
  assert.deepEqual(
    await domainsShownTo(api, ANA),
    ["of-ana", "of-ben", "of-eve"],
    "matched twice, shown once",
  );
  const { body } = await api.get(below("default", "domains/?limit=1"), ANA);
  assert.equal(body.count, 3);
  const repositories = (await api.get(below("of-ana", FILES), ANA)).body.count;
  assert.equal(repositories, (await api.get(below("of-ana", FILES))).body.count);
  await api.request("DELETE", made.body.pulp_href);
  assert.deepEqual(await domainsShownTo(api, ANA), ["of-ana", "of-ben"]);
});

test("24 Domain permissions: a Basic user owns the domain that he made", async (t) => {
  const api = await createService(t);
  const json = { username: "local", password: "of the tests 1" };
  assert.equal((await api.request("POST", below("default", "users/"), { json })).status, 201);
  const local = { user: "local:of the tests 1" };
  await makeDomain(api, "of-local", local);
  assert.equal((await createRepository(api, "of-local", local)).status, 201);
  assert.equal((await createRepository(api, "of-local", ANA)).status, 403);
  assert.deepEqual(await domainsShownTo(api, local), ["of-local"]);
});

test("24 Domain permissions: an administrator is one by the header as well as by Basic", async (t) => {
  const JSON_HEADER = "pulpcore.app.authentication.JSONHeaderRemoteAuthentication";
  const api = await createService(t, {
    classes: [CLASSES.basic, JSON_HEADER],
    AUTHENTICATION_JSON_HEADER: "HTTP_X_RH_IDENTITY",
    AUTHENTICATION_JSON_HEADER_JQ_FILTER: ".identity.user.username",
  });
  await makeDomain(api, "team-a", as(user("ana", "1")));
  const byHeader = as(user("admin", "9"));
  for (const who of [ADMIN, byHeader]) {
    assert.equal((await createRepository(api, "team-a", who)).status, 201);
    assert.equal((await createRepository(api, "default", who)).status, 201);
    assert.deepEqual(await domainsShownTo(api, who), ["default", "team-a"]);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { ANA, createRepository, domainsShownTo, EVE } from "../people.ts";
import {
  as,
  below,
  certificate,
  createService,
  groupsOf,
  makeDomain,
  makeGroup,
  user,
} from "../support.ts";

test("24 Groups: members across organisations have the domain, outsiders have not", async (t) => {
  const api = await createService(t);
  for (const who of [ANA, EVE, as(user("zoe", "3"))])
    await api.get(below("default", "login/"), who);
  await makeGroup(api, "crew", ["1|ana", "2|eve"]);
  await makeDomain(api, "of-crew", ANA);
  await makeDomain(api, "of-zoe", as(user("zoe", "3")));
  assert.equal(
    (await createRepository(api, "of-crew", EVE)).status,
    201,
    "a member of another organisation",
  );
  assert.deepEqual(await domainsShownTo(api, EVE), ["of-crew"]);
  assert.equal((await createRepository(api, "of-crew", as(user("zoe", "3")))).status, 403);
  assert.equal(
    (await createRepository(api, "of-zoe", as(user("zoe", "3")))).status,
    201,
    "of no group",
  );
});

test("24 Groups: users and certificates join the group of their organisation, once and only if they have one", async (t) => {
  const api = await createService(t);
  const login = below("default", "login/");
  for (const [identity, name, groups] of [
    [user("ana", "1"), "1|ana", ["rh-org-1"]],
    [certificate("/CN=bot", "1"), "/CN=bot", ["rh-org-1"]],
    [user("lone"), "|lone", []],
    [certificate("/CN=lone"), "/CN=lone", []],
  ] as const) {
    for (const turn of [1, 2, 3]) {
      assert.equal((await api.get(login, as(identity))).status, 200);
      assert.deepEqual(await groupsOf(api, name), groups, `${name}, time ${turn}`);
    }
  }
  const { body } = await api.get(below("default", "groups/"));
  assert.deepEqual(
    body.results.map(({ name }: { name: string }) => name),
    ["rh-org-1"],
  );
});

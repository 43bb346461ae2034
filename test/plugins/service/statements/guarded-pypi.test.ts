import assert from "node:assert/strict";
import { test } from "node:test";
import type { RequestOptions } from "../../../support/rest-api.ts";
import { ANA, BEN, EVE, FILES } from "../people.ts";
import {
  as,
  below,
  createService,
  makeDomain,
  makeIndex,
  STRANGER,
  statuses,
  user,
} from "../support.ts";

test("24 Guarded PyPI: open, guarded and public indexes, for tenants, entitled and others", async (t) => {
  const api = await createService(t);
  await makeDomain(api, "team-a", ANA);
  await makeDomain(api, "public-x", ANA);
  for (const name of ["team-a", "public-x"]) {
    await makeIndex(api, name);
    await makeIndex(api, name, { name: "guarded", guardedFor: "7" });
  }
  const entitled = as(user("kim", "7"));
  const read = (path: string, who: RequestOptions) => () => api.get(`/pypi/${path}/simple/`, who);
  const write = (path: string, who: RequestOptions) => () =>
    api.request("POST", `/pypi/${path}/legacy/`, { ...who, json: {} });
  assert.deepEqual(
    await statuses({
      "open to strangers": read("team-a/idx", STRANGER),
      "open to foreign users": read("team-a/idx", EVE),
      "none there": read("team-a/none", STRANGER),
      "guarded, tenant": read("team-a/guarded", BEN),
      "guarded, entitled": read("team-a/guarded", entitled),
      "guarded, entitled and nobody known": read("team-a/guarded", as({ org_id: "7" })),
      "guarded, not entitled": read("team-a/guarded", EVE),
      "guarded, stranger": read("team-a/guarded", STRANGER),
      "guarded, public": read("public-x/guarded", STRANGER),
      "public to foreign users": read("public-x/idx", EVE),
      "write, stranger": write("team-a/idx", STRANGER),
      "write, foreign": write("team-a/idx", EVE),
      "write, entitled": write("team-a/guarded", entitled),
      "write, public": write("public-x/idx", EVE),
      "write, tenant": write("team-a/idx", BEN),
      "entitled, by REST": () => api.get(below("team-a", FILES), entitled),
    }),
    {
      ...{ "open to strangers": 200, "open to foreign users": 200, "none there": 404 },
      ...{ "guarded, tenant": 200, "guarded, entitled": 200 },
      ...{ "guarded, entitled and nobody known": 200, "guarded, not entitled": 403 },
      ...{ "guarded, stranger": 401, "guarded, public": 200, "public to foreign users": 200 },
      ...{ "write, stranger": 401, "write, foreign": 403, "write, entitled": 403 },
      ...{ "write, public": 403, "write, tenant": 415, "entitled, by REST": 403 },
    },
  );
  const told = (words: string) => api.logged.some((line) => line.includes(words));
  assert.ok(told("PyPI access GRANTED via DomainOrg: user=1|ben org_id=1"));
  assert.ok(told("PyPI access GRANTED via content guard: org_id=7 user=7|kim"));
  assert.ok(told("PyPI access DENIED via content guard: org_id=2 user=2|eve"));
});

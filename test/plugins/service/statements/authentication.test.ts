import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestApi } from "../../../support/rest-api.ts";
import { ANA, createRepository, FILES } from "../people.ts";
import { as, below, createService, makeDomain, makeIndex, STRANGER, statuses } from "../support.ts";

/** The paragraph "Authentication" of service §24. */
const WRITES = ["POST", "PUT", "DELETE", "PATCH"];

test("24 Authentication: username+org, org+username and username alone make a domain and a repository", async (t) => {
  const api = await createService(t);
  const orders = [
    ["first", { org_id: "1", internal: { org_id: "1" }, user: { username: "ana" } }],
    ["second", { user: { username: "ona" }, internal: { org_id: "2" }, org_id: "2" }],
    ["third", { user: { username: "una" } }],
  ] as const;
  for (const [name, identity] of orders) {
    await makeDomain(api, name, as(identity));
    assert.equal((await createRepository(api, name, as(identity))).status, 201, name);
  }
});

test("24 Authentication: strangers read repositories of public domains only, and write nowhere", async (t) => {
  const api = await createService(t);
  for (const name of ["public-ana", "own"]) await makeDomain(api, name, ANA);
  assert.deepEqual(
    await statuses({
      "public list": () => api.get(below("public-ana", FILES), STRANGER),
      "public head": () => api.request("HEAD", below("public-ana", FILES), STRANGER),
      "public create": () => createRepository(api, "public-ana", STRANGER),
      "own list": () => api.get(below("own", FILES), STRANGER),
      "own create": () => createRepository(api, "own", STRANGER),
      "default list": () => api.get(below("default", FILES), STRANGER),
      domains: () => api.get(below("default", "domains/"), STRANGER),
    }),
    {
      ...{ "public list": 200, "public head": 200, "public create": 401 },
      ...{ "own list": 401, "own create": 401, "default list": 401, domains: 401 },
    },
  );
});

test("24 Authentication: strangers read any unguarded index, and write to none by any method", async (t) => {
  const api = await createService(t);
  for (const domain of ["own", "public-ana"]) {
    await makeDomain(api, domain, ANA);
    await makeIndex(api, domain);
    const at = `/pypi/${domain}/idx/`;
    assert.equal((await api.get(`${at}simple/`, STRANGER)).status, 200, domain);
    for (const method of WRITES) {
      for (const path of [at, `${at}simple/`, `${at}simple/attrs/`, `${at}legacy/`]) {
        const answer = await api.request(method, path, { ...STRANGER, json: {} });
        assert.ok([401, 403].includes(answer.status), `${method} ${path}: ${answer.status}`);
      }
    }
  }
});

test("24 Authentication: strangers write to no repository by any method", async (t) => {
  const api = await createService(t);
  for (const domain of ["own", "public-ana"]) {
    await makeDomain(api, domain, ANA);
    const { pulp_href } = (await createRepository(api, domain, ANA)).body;
    for (const method of WRITES) {
      for (const path of [below(domain, FILES), pulp_href, `${pulp_href}modify/`]) {
        const answer = await api.request(method, path, { ...STRANGER, json: { name: "x" } });
        assert.equal(answer.status, 401, `${method} ${path}`);
      }
    }
    assert.deepEqual(await shown(api, pulp_href), [pulp_href], "it is as it was");
  }
});

const shown = async (api: TestApi, href: string): Promise<readonly string[]> => {
  const { body } = await api.get(href.replace(/[^/]+\/$/, ""));
  return body.results.map((one: { pulp_href: string }) => one.pulp_href);
};

import assert from "node:assert/strict";
import { test } from "node:test";
import { ownDescription } from "../../../tools/own-description.ts";
import type { TestApi } from "../../support/rest-api.ts";
import { endedTask } from "../../support/run-tasks.ts";
import { createPythonApi } from "./support.ts";

/** By hand from plugin-python §6.10: who may do what at an index, by path below it. */
const OPERATIONS: readonly (readonly [
  id: string,
  method: string,
  path: string,
  isRead: boolean,
])[] = [
  ["pypi_read", "GET", "", true],
  ["pypi_simple_read", "GET", "simple/", true],
  ["pypi_simple_package_read", "GET", "simple/x/", true],
  ["pypi_pypi_read", "GET", "pypi/x/json/", true],
  ["pypi_integrity_provenance_read", "GET", "integrity/x/1/x.whl/provenance/", true],
  ["pypi_simple_create", "POST", "simple/", false],
  ["pypi_legacy_create", "POST", "legacy/", false],
  ["pypi_yank_yank", "POST", "yank/", false],
  ["pypi_unyank_unyank", "POST", "unyank/", false],
];

/** Beside the description. */
const MORE = [
  ["rss", "GET", "rss/updates.xml", true],
  ["rss", "GET", "rss/packages.xml", true],
  ["setup", "GET", "setup/", true],
] as const;

const PASSWORD = "of the tests 1";
const MODIFY = "python.modify_pythonrepository";

/** Who asks, and whether changes are let through: a role on what, if on anything. */
const IDENTITIES: readonly (readonly [
  name: string,
  role: { readonly at: "model" | "domain" | "repository" | "other" | "distribution" } | null,
  mayChange: boolean,
])[] = [
  ["nobody", null, false],
  ["model", { at: "model" }, true],
  ["domain", { at: "domain" }, true],
  ["object", { at: "repository" }, true],
  ["other", { at: "other" }, false],
  ["distribution", { at: "distribution" }, false],
];

interface World {
  readonly api: TestApi;
  readonly hrefs: Readonly<Record<string, string>>;
  setRole(user: string, body: object): Promise<void>;
}

const DOMAIN = "/pulp/default/api/v3/";

async function world(t: Parameters<typeof createPythonApi>[0]): Promise<World> {
  const api = await createPythonApi(t, { DOMAIN_ENABLED: true });
  const make = async (path: string, json: object): Promise<string> => {
    const answer = await api.request("POST", `${DOMAIN}${path}`, { json });
    if (answer.status === 201) return answer.body.pulp_href;
    return (await endedTask(api, answer)).created_resources[0] ?? "";
  };
  const repository = await make("repositories/python/python/", { name: "own" });
  const other = await make("repositories/python/python/", { name: "other" });
  const place = { name: "index", base_path: "index", repository };
  const distribution = await make("distributions/python/pypi/", place);
  const domain = "/pulp/default/api/v3/domains/";
  const { body } = await api.request("GET", domain);
  const hrefs = { repository, other, distribution, domain: body.results[0].pulp_href };
  await make("roles/", { name: "modifier", permissions: [MODIFY] });
  return {
    api,
    hrefs,
    async setRole(user, json) {
      const given = await api.request("POST", `${user}roles/`, { json });
      assert.equal(given.status, 201, given.text);
    },
  };
}

/** Body that gives a role there. */
function roleOf(at: string, hrefs: World["hrefs"]): object {
  const role = at === "distribution" ? "python.pythondistribution_owner" : "modifier";
  const object = { role, content_object: hrefs[at] ?? null };
  return at === "domain" ? { ...object, domain: hrefs.domain, content_object: null } : object;
}

const INDEX = "/pypi/default/index/";

test("the table speaks of every operation of an index in the description", () => {
  const { paths } = ownDescription({ domainEnabled: true });
  const ids = Object.entries(paths as Record<string, Record<string, { operationId: string }>>)
    .filter(([path]) => path.startsWith("/pypi/"))
    .flatMap(([, item]) => Object.values(item).map(({ operationId }) => operationId));
  assert.deepEqual(ids.sort(), OPERATIONS.map(([id]) => id).sort());
});

/** Requests that are answered otherwise than the table says. */
async function surprises(api: TestApi, user: string | null, mayChange: boolean) {
  const wrong: string[] = [];
  for (const [id, method, path, isRead] of [...OPERATIONS, ...MORE]) {
    const options = method === "POST" ? { json: {} } : {};
    const { status } = await api.request(method, `${INDEX}${path}`, { user, ...options });
    const isLet = isRead || mayChange;
    const refusal = user === null ? 401 : 403;
    const isRight = isLet ? status !== 401 && status !== 403 : status === refusal;
    if (!isRight) wrong.push(`${id} by ${user}: ${status}`);
  }
  return wrong;
}

test("everybody reads an index, and who may modify the repository changes it", async (t) => {
  const { api, hrefs, setRole } = await world(t);
  const wrong: string[] = [];
  for (const [name, role, mayChange] of IDENTITIES) {
    const json = { username: name, password: PASSWORD };
    const { body } = await api.request("POST", `${DOMAIN}users/`, { json });
    if (role) await setRole(body.pulp_href, roleOf(role.at, hrefs));
    wrong.push(...(await surprises(api, `${name}:${PASSWORD}`, mayChange)));
  }
  wrong.push(...(await surprises(api, null, false)));
  assert.deepEqual(wrong, []);
});

test("a policy of one's own may ask for rights on the distribution and on its repository", async (t) => {
  const { api, hrefs, setRole } = await world(t);
  const user = async (name: string, role: string, on: string) => {
    const json = { username: name, password: PASSWORD };
    const { body } = await api.request("POST", `${DOMAIN}users/`, { json });
    await setRole(body.pulp_href, { role, content_object: hrefs[on] });
    return `${name}:${PASSWORD}`;
  };
  const viewer = await user("viewer", "python.pythondistribution_viewer", "distribution");
  const reader = await user("reader", "python.pythonrepository_viewer", "repository");
  const policies = await api.request("GET", `${DOMAIN}access_policies/?viewset_name=pypi/simple`);
  const { pulp_href: href } = policies.body.results[0];
  const statuses = async (...conditions: readonly string[]) => {
    const principal = "authenticated";
    const statement = { action: "*", principal, effect: "allow", condition: conditions };
    const json = { statements: [statement] };
    const patched = await api.request("PATCH", href, { json });
    assert.equal(patched.status, 200, patched.text);
    const asked = [viewer, reader, null].map((one) =>
      api.request("GET", `${INDEX}simple/`, { user: one }),
    );
    return (await Promise.all(asked)).map(({ status }) => status);
  };

  assert.deepEqual(await statuses("index_has_perm"), [200, 403, 401]);
  assert.deepEqual(await statuses("index_has_repo_perm"), [403, 200, 401]);
  assert.deepEqual(await statuses(`index_has_repo_perm:${MODIFY}`), [403, 403, 401]);
  await api.request("PATCH", hrefs.distribution ?? "", { json: { repository: null } });
  const [first, second] = await statuses(`index_has_repo_perm:${MODIFY}`);
  assert.deepEqual([first, second], [404, 404], "there is no repository to forbid");
});

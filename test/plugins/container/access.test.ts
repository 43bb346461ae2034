import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { hashPassword } from "#core/access/passwords.ts";
import { createRepository } from "#core/repositories/commands.ts";
import { commitPush } from "#plugins/container/commit.ts";
import { CONTAINER } from "../../rest/authorisation/container-expectations.ts";
import { formOf, type TestApi } from "../../support/rest-api.ts";
import { putImage, putTag } from "./images.ts";
import {
  createContainerApi,
  DISTRIBUTIONS,
  idOf,
  made,
  NAMESPACES,
  PULL_THROUGH_DISTRIBUTIONS,
  PULL_THROUGH_REMOTES,
  REMOTES,
  REPOSITORIES,
} from "./support.ts";

const PEOPLE = [
  ...["nobody", "nsOwner", "nsConsumer", "distOwner", "distConsumer"],
  ...["repoOwner", "repoViewer", "remoteOwner", "throughOwner", "elsewhere"],
] as const;
type Person = (typeof PEOPLE)[number];

/** A private repository behind a distribution in a namespace, and whoever holds a role there. */
async function createWorld(t: TestContext) {
  const api = await createContainerApi(t);
  const users = await createUsers(api);
  const remote = await made(api, REMOTES, {
    name: "m",
    url: "https://a.example",
    upstream_name: "x",
  });
  const through = await made(api, PULL_THROUGH_REMOTES, { name: "t", url: "https://a.example" });
  const repository = await made(api, REPOSITORIES, { name: "r", remote: remote.pulp_href });
  const { domain, ctx } = api;
  const image = await putImage(api);
  const tag = await putTag(api, "1", image.manifest);
  const tags = new Map([["1", tag]]);
  const { id } = await createRepository(ctx, {
    domain,
    type: "container.container-push",
    name: "p",
  });
  for (const one of [idOf(repository.pulp_href), id])
    await commitPush(ctx, one, { caller: api.caller, add: image.units, tags });
  const push = `/pulp/api/v3/repositories/container/container-push/${id}/`;
  const distribution = await made(api, DISTRIBUTIONS, {
    ...{ name: "d", base_path: "ns/app", repository: repository.pulp_href, private: true },
  });
  await made(api, DISTRIBUTIONS, {
    ...{ name: "dp", base_path: "ns/pushed", repository: push, private: true },
  });
  const cache = await made(api, PULL_THROUGH_DISTRIBUTIONS, {
    ...{ name: "c", base_path: "cache", remote: through.pulp_href, private: true },
  });
  const other = await made(api, NAMESPACES, { name: "other" });
  const grant = async (person: Person, role: string, object: string) => {
    const json = { role: `container.${role}`, content_object: object };
    const answer = await api.post(`users/${users.get(person)}/roles/`, json);
    assert.equal(answer.status, 201, answer.text);
  };
  await grant("nsOwner", "containernamespace_owner", distribution.namespace);
  await grant("nsConsumer", "containernamespace_consumer", distribution.namespace);
  await grant("distOwner", "containerdistribution_owner", distribution.pulp_href);
  await grant("distConsumer", "containerdistribution_consumer", distribution.pulp_href);
  await grant("repoOwner", "containerrepository_owner", repository.pulp_href);
  await grant("repoViewer", "containerrepository_viewer", repository.pulp_href);
  await grant("remoteOwner", "containerremote_owner", remote.pulp_href);
  await grant("throughOwner", "containerpullthroughdistribution_owner", cache.pulp_href);
  await grant("elsewhere", "containernamespace_owner", other.pulp_href);
  const objects: Readonly<Record<string, string>> = {
    "repositories/container/container": repository.pulp_href,
    "repositories/container/container/versions": `${repository.versions_href}1/`,
    "repositories/container/container-push": push,
    "repositories/container/container-push/versions": `${push}versions/1/`,
    "remotes/container/container": remote.pulp_href,
    "remotes/container/pull-through": through.pulp_href,
    "distributions/container/container": distribution.pulp_href,
    "distributions/container/pull-through": cache.pulp_href,
    "pulp_container/namespaces": distribution.namespace,
    "content/container/tags": `/pulp/api/v3/content/container/tags/${tag}/`,
    "content/container/manifests": `/pulp/api/v3/content/container/manifests/${image.manifest}/`,
    "content/container/blobs": `/pulp/api/v3/content/container/blobs/${image.blobs[0]}/`,
  };
  return { api, objects };
}

async function createUsers({ ctx }: TestApi): Promise<Map<Person, number>> {
  const users = new Map<Person, number>();
  for (const username of PEOPLE) {
    const password = await hashPassword(username, { iterations: 1 });
    const { id } = await ctx.db
      .insertInto("app_user")
      .values({ username, password })
      .returning("id")
      .executeTakeFirstOrThrow();
    users.set(username, id);
  }
  return users;
}

const ALL: readonly Person[] = PEOPLE;
const ofRepository: readonly Person[] = ["nsOwner", "nsConsumer", "repoOwner", "repoViewer"];
const seesApp: readonly Person[] = [...ofRepository, "distOwner", "distConsumer"];
const inNamespace: readonly Person[] = ["nsOwner", "nsConsumer"];

/** Who sees each of the objects: others are told that it is not there. */
const SEES: Readonly<Record<string, readonly Person[]>> = {
  "repositories/container/container": seesApp,
  "repositories/container/container/versions": ofRepository,
  "repositories/container/container-push": inNamespace,
  "repositories/container/container-push/versions": inNamespace,
  "remotes/container/container": ["remoteOwner"],
  "remotes/container/pull-through": [],
  "distributions/container/container": [...inNamespace, "distOwner", "distConsumer"],
  "distributions/container/pull-through": ["throughOwner"],
  "pulp_container/namespaces": inNamespace,
  "content/container/tags": seesApp,
  "content/container/manifests": seesApp,
  "content/container/blobs": seesApp,
};

/** Who holds what a rule asks for, by the roles of plugin-container §9.2. */
const HOLDS: Readonly<Record<string, Readonly<Record<string, readonly Person[]>>>> = {
  "repositories/container/container": {
    "here:change": ["nsOwner", "repoOwner"],
    "here:modify_content": ["nsOwner", "repoOwner"],
    "here:view": ofRepository,
    "here:manage_roles": ["repoOwner"],
    "MDO:delete": ["repoOwner"],
    "MDO:sync": ["repoOwner"],
    "MDO:build_image": ["repoOwner"],
  },
  "repositories/container/container/versions": {
    "here:view": ofRepository,
    "here:modify_content": ["nsOwner", "repoOwner"],
    "here:delete_versions": ["repoOwner"],
  },
  "repositories/container/container-push": {
    "here:change": ["nsOwner"],
    "here:modify_content serves:push": ["nsOwner"],
  },
  "repositories/container/container-push/versions": {
    "here:view": inNamespace,
    "here:modify_content": ["nsOwner"],
  },
  "remotes/container/container": {
    "MDO:view": ["remoteOwner"],
    "MDO:change": ["remoteOwner"],
    "MDO:delete": ["remoteOwner"],
    "here:manage_roles": ["remoteOwner"],
  },
  "distributions/container/container": {
    "here:change": ["nsOwner", "distOwner"],
    "here:delete": ["nsOwner", "distOwner"],
    "here:manage_roles": ["distOwner"],
    path: ALL,
  },
  "distributions/container/pull-through": {
    "MDO:change": ["throughOwner"],
    "MDO:delete": ["throughOwner"],
    "here:manage_roles": ["throughOwner"],
    path: ALL,
  },
  "pulp_container/namespaces": {
    "MDO:view": inNamespace,
    "MDO:delete": ["nsOwner"],
    "MDO:manage_roles": ["nsOwner"],
    "here:manage_roles": ["nsOwner"],
  },
};

const METHODS: Readonly<Record<string, string>> = {
  retrieve: "GET",
  update: "PUT",
  partial_update: "PATCH",
  list_roles: "GET",
  my_permissions: "GET",
};

/** Versions alone are listed at an address that names an object. */
const isAsked = (viewset: string, action: string): boolean =>
  action !== "create" &&
  action !== "destroy" &&
  (action !== "list" || viewset.endsWith("/versions"));

interface Question {
  readonly viewset: string;
  readonly action: string;
  readonly person: Person;
}

function expected({ viewset, action, person }: Question): string {
  const rule = CONTAINER[viewset]?.[action] ?? assert.fail(`${viewset} ${action}`);
  const sees = SEES[viewset]?.includes(person) ?? false;
  const parent = viewset.endsWith("/versions") ? viewset.replace("/versions", "") : viewset;
  const seesParent = SEES[parent]?.includes(person) ?? false;
  if (viewset.startsWith("content/") && action.endsWith("label")) return "403";
  if (!seesParent) return "404";
  if (rule === "admin") return "403";
  if (rule === "auth") return sees ? "let through" : "404";
  const conditions = rule as readonly string[];
  const holds = conditions.every((one) => HOLDS[viewset]?.[one]?.includes(person));
  return holds ? "let through" : "403";
}

/** Every question about an object that the world has. */
function* questions(objects: Readonly<Record<string, string>>): Generator<Question> {
  for (const [viewset, rules] of Object.entries(CONTAINER)) {
    const actions = Object.keys(rules).filter((one) => isAsked(viewset, one));
    if (!(viewset in objects)) continue;
    for (const action of actions) for (const person of PEOPLE) yield { viewset, action, person };
  }
}

const ON_ITSELF = ["retrieve", "update", "partial_update"];

async function statusOf(api: TestApi, object: string, { action, person }: Question) {
  const isList = action === "list";
  const method = METHODS[action] ?? (isList ? "GET" : "POST");
  const path = isList ? object.replace(/\d+\/$/, "") : object;
  const url = isList || ON_ITSELF.includes(action) ? path : `${path}${action}/`;
  const body =
    method === "GET" ? {} : action === "build_image" ? formOf({ tag: "-" }) : { json: {} };
  return (await api.request(method, url, { user: `${person}:${person}`, ...body })).status;
}

test("operations let through whom the table names, and show an object to nobody else", async (t) => {
  const { api, objects } = await createWorld(t);
  const wrong: string[] = [];
  const all = [...questions(objects)];
  for (const question of all) {
    const { viewset, action, person } = question;
    const status = await statusOf(api, objects[viewset] ?? "", question);
    const outcome = status === 403 || status === 404 ? String(status) : "let through";
    const wanted = expected(question);
    if (outcome !== wanted || status >= 500)
      wrong.push(`${viewset} ${action} by ${person}: ${status} instead of ${wanted}`);
  }
  assert.deepEqual(wrong, []);
  assert.ok(all.length > 700, `${all.length} requests`);
});

test("lists show what somebody sees, and what is public", async (t) => {
  const { api, objects } = await createWorld(t);
  const repository = await made(api, REPOSITORIES, { name: "open" });
  const open = await made(api, DISTRIBUTIONS, {
    ...{ name: "open", base_path: "ns/open", repository: repository.pulp_href },
  });
  const listed = async (viewset: string, person: Person) => {
    const answer = await api.get(`${viewset}/`, { user: `${person}:${person}` });
    assert.equal(answer.status, 200, answer.text);
    return (answer.body.results as { pulp_href: string }[]).map(({ pulp_href: href }) => href);
  };
  for (const [viewset, object] of Object.entries(objects)) {
    if (viewset.endsWith("/versions")) continue;
    for (const person of PEOPLE) {
      const isShown = (await listed(viewset, person)).includes(object);
      assert.equal(isShown, SEES[viewset]?.includes(person), `${viewset} by ${person}`);
    }
  }
  assert.deepEqual(await listed("distributions/container/container", "nobody"), [open.pulp_href]);
  assert.deepEqual(await listed("repositories/container/container", "nobody"), [
    repository.pulp_href,
  ]);
});

test("who makes and deletes", async (t) => {
  const { api, objects } = await createWorld(t);
  const as = (person: string, method: string, path: string, json?: object) =>
    api.request(method, path, { user: `${person}:${person}`, ...(json ? { json } : {}) });
  const statusOf = async (person: string, path: string, json: object) =>
    (await as(person, "POST", path, json)).status;
  const at = (base_path: string) => ({ name: base_path, base_path });

  assert.equal(await statusOf("nobody", DISTRIBUTIONS, at("ns/x")), 403);
  assert.equal(await statusOf("nsConsumer", DISTRIBUTIONS, at("ns/x")), 403);
  assert.equal(await statusOf("elsewhere", DISTRIBUTIONS, at("ns/x")), 403);
  assert.equal(await statusOf("nobody", DISTRIBUTIONS, at("fresh/x")), 403);
  assert.equal(await statusOf("nsOwner", DISTRIBUTIONS, at("ns/x")), 202);
  assert.equal(await statusOf("nobody", NAMESPACES, { name: "else" }), 403);
  assert.equal(await statusOf("nobody", NAMESPACES, { name: "nobody" }), 201);
  assert.equal(await statusOf("nobody", DISTRIBUTIONS, at("nobody/x")), 202);
  assert.equal(await statusOf("nobody", REPOSITORIES, { name: "x" }), 403);
  assert.equal(await statusOf("repoOwner", REMOTES, { name: "x" }), 403);

  const distribution = objects["distributions/container/container"] ?? "";
  const elsewhere = await as("distOwner", "PATCH", distribution, { base_path: "other/x" });
  assert.equal(elsewhere.status, 403, "into a namespace that is another's");
  for (const [viewset, person, status] of [
    ["distributions/container/container", "distConsumer", 403],
    ["distributions/container/container", "repoOwner", 404],
    ["repositories/container/container", "nsOwner", 403],
    ["repositories/container/container/versions", "nsOwner", 403],
    ["repositories/container/container-push/versions", "nsOwner", 403],
    ["pulp_container/namespaces", "nsConsumer", 403],
    ["pulp_container/namespaces", "nsOwner", 202],
  ] as const) {
    const answer = await as(person, "DELETE", objects[viewset] ?? "");
    assert.equal(answer.status, status, `${viewset} by ${person}: ${answer.text}`);
  }
  const { body } = await as("nobody", "GET", `${NAMESPACES}?name=nobody`);
  const roles = await as("nobody", "GET", `${body.results[0].pulp_href}list_roles/`);
  assert.partialDeepStrictEqual(roles.body.roles[0], {
    role: "container.containernamespace_owner",
    users: ["nobody"],
  });
});

import assert from "node:assert/strict";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { cleanUpOrphans, reclaimSpaceTask, repairAllArtifacts } from "#core/maintenance/tasks.ts";
import { purgeTasks } from "#core/tasks/purge.ts";
import { python } from "#plugins/python/plugin.ts";
import { fullPath } from "#rest/kit/api-index.ts";
import type { Fields, Resource } from "#rest/kit/resource.ts";
import { createJob } from "../support/job.ts";
import { createTestApi, formOf, type TestApi } from "../support/rest-api.ts";
import { createTenant, idOf, inDomain } from "../support/tenants.ts";

/** What belongs to no domain is seen from everywhere. */
const isGlobal = ({ source }: Resource): boolean => source.domain === null;
/** Lists over all types show objects of other resources. */
const isOverview = ({ operations }: Resource): boolean => operations.read === undefined;

async function createTenants(t: TestContext) {
  const api = await createTestApi(t, { shipped: [python], settings: { DOMAIN_ENABLED: true } });
  return { api, a: await createTenant(api, "a"), b: await createTenant(api, "b") };
}

const scoped = (api: TestApi): readonly Resource[] =>
  api.api.parts.resources.filter((one) => !isGlobal(one) && !isOverview(one));

/** The same object under the other domain's address. */
const seenFrom = (href: string, name: string): string => href.replace("/pulp/a/", `/pulp/${name}/`);

test("every resource has an object to test with", async (t) => {
  const { api, a } = await createTenants(t);
  for (const resource of scoped(api)) {
    const href = a.hrefs.get(fullPath(resource));
    assert.ok(href, `say in MAKERS how an object of ${fullPath(resource)} is made`);
    assert.equal((await api.get(href)).status, 200, href);
  }
});

test("an object of one domain is not there for any request to another", async (t) => {
  const { api, a, b } = await createTenants(t);
  for (const resource of scoped(api)) {
    const path = fullPath(resource);
    const href = seenFrom(a.hrefs.get(path) ?? "", "b");
    const before = await api.get(a.hrefs.get(path) ?? "");
    const missing = href.replace(idOf(href), uuid7());
    for (const { method, url } of requestsTo(resource, href)) {
      const json = method === "GET" ? {} : { json: { key: "k", value: "v", state: "canceled" } };
      const answer = await api.request(method, url, json);
      const twin = await api.request(method, url.replace(href, missing), json);
      assert.equal(answer.status, twin.status, `${method} ${url}: ${answer.text}`);
      assert.equal(answer.text, twin.text, `${method} ${url} tells that there is something`);
      assert.notEqual(Math.floor(answer.status / 100), 2, `${method} ${url}`);
    }
    assert.deepEqual((await api.get(a.hrefs.get(path) ?? "")).body, before.body, `${path} changed`);
    assert.ok(b.hrefs.get(path));
  }
});

/** Every operation and action on an object, and the nested collections below it. */
function requestsTo({ operations, actions = [], parent }: Resource, href: string) {
  const own = [
    ...(operations.read ? ["GET", "HEAD"] : []),
    ...(operations.update ? ["PUT", "PATCH"] : []),
    ...(operations.delete ? ["DELETE"] : []),
  ].map((method) => ({ method, url: href }));
  const others = actions
    .filter(({ on }) => on === "object")
    .map(({ method, name, path = name }) => ({ method, url: `${href}${path && `${path}/`}` }));
  const nested = parent ? [{ method: "GET", url: href.replace(/[^/]+\/$/, "") }] : [];
  return [...own, ...others, ...nested];
}

test("lists show what the domain has, and no filter reaches further", async (t) => {
  const { api, a, b } = await createTenants(t);
  const foreign = [...a.hrefs.values()];
  for (const resource of api.api.parts.resources) {
    if (isGlobal(resource) || resource.parent) continue;
    const { body } = await api.get(inDomain("b", `${resource.path}/?limit=1000`));
    const text = JSON.stringify(body);
    for (const id of foreign.map(idOf)) assert.ok(!text.includes(id), `${resource.path}: ${id}`);
    const own = b.hrefs.get(resource.path);
    if (own) assert.ok(text.includes(own), `${resource.path} lacks its own`);
  }
  for (const [path, name] of FILTERS) {
    for (const href of foreign) {
      const query = new URLSearchParams({ [name]: href });
      const { status, body, text } = await api.get(inDomain("b", `${path}/?${query}`));
      const isEmpty = status === 400 || body.count === 0;
      assert.ok(isEmpty, `${path}?${name}=${href}: ${status} ${text}`);
    }
  }
});

/** Filters that take an address. */
const FILTERS = [
  ["artifacts", "repository_version"],
  ["content/file/files", "repository_version"],
  ["content/file/files", "repository_version_added"],
  ["content", "repository_version"],
  ["repositories", "remote"],
  ["repositories", "with_content"],
  ["repositories/file/file", "latest_with_content"],
  ["repository_versions", "content"],
  ["publications", "repository"],
  ["publications/file/file", "repository_version"],
  ["publications", "content"],
  ["distributions", "repository"],
  ["distributions", "with_content"],
  ["tasks", "parent_task"],
  ["tasks", "task_group"],
  ["tasks", "created_resources"],
] as const;

/** An object of each kind that a relation may name. */
const KINDS: Readonly<Record<string, string>> = {
  remote: "remotes/file/file",
  repository: "repositories/file/file",
  repository_version: "repositories/file/file/{}/versions",
  publication: "publications/file/file",
  content_guard: "contentguards/core/rbac",
  artifact: "artifacts",
  upload: "uploads",
  content: "content/python/packages",
  distribution: "distributions/python/pypi",
};

test("nothing can be made to refer to an object of another domain", async (t) => {
  const { api, a, b } = await createTenants(t);
  const expected = { non_field_errors: ["Objects must all be a part of the b domain."] };
  let tried = 0;
  const refuse = async ({ method, hasFile }: RelatedBody, url: string, json: Values) => {
    tried += 1;
    const answer = await api.request(method, url, hasFile ? formOf(json) : { json });
    const what = `${method} ${url} ${JSON.stringify(json)}: ${answer.text}`;
    assert.deepEqual([answer.status, answer.body], [400, expected], what);
  };

  for (const { resource, body, field, kind } of scoped(api).flatMap(relationsOf)) {
    const href = a.hrefs.get(KINDS[kind] ?? "") ?? assert.fail(`nothing to relate to: ${kind}`);
    const object = b.hrefs.get(fullPath(resource)) ?? "";
    const url = body.on === "object" ? object : inDomain("b", `${resource.path}/`);
    for (const value of [href, await prnOf(api, href), seenFrom(href, "b")])
      await refuse(body, `${url}${body.tail}`, { ...body.rest, [field]: value });
  }
  const composite = { method: "POST", hasFile: false } as RelatedBody;
  const guards = [a.hrefs.get("contentguards/core/rbac")];
  await refuse(composite, inDomain("b", "contentguards/core/composite/"), {
    name: "n",
    guards: guards as never,
  });
  const members = [a.hrefs.get("distributions/python/pypi")];
  await refuse(composite, inDomain("b", "distributions/python/pypi/"), {
    ...{ name: "n", base_path: "n" },
    members: members as never,
  });
  assert.ok(tried > 30, `${tried} bodies`);
});

type Values = Readonly<Record<string, string>>;

const prnOf = async (api: TestApi, href: string): Promise<string> => (await api.get(href)).body.prn;

interface Related {
  readonly resource: Resource;
  readonly body: RelatedBody;
  readonly field: string;
  readonly kind: string;
}

const relationsOf = (resource: Resource): Related[] =>
  bodiesOf(resource).flatMap((body) =>
    Object.entries(body.fields).flatMap(([field, { relation, readOnly }]) =>
      relation && !readOnly ? [{ resource, body, field, kind: relation.to }] : [],
    ),
  );

/** What a body needs besides, by its resource. */
const REST: Readonly<Record<string, Values>> = {
  "repositories/file/file": { name: "new" },
  "distributions/file/file": { name: "new", base_path: "new" },
  "acs/file/file": { name: "new" },
  "content/file/files": { relative_path: "new" },
};

interface RelatedBody {
  readonly method: string;
  readonly on: "object" | "collection";
  readonly tail: string;
  readonly fields: Fields;
  readonly rest: Values;
  readonly hasFile: boolean;
}

function bodiesOf(resource: Resource): readonly RelatedBody[] {
  const { operations, actions = [], fields, createBody } = resource;
  const rest = REST[fullPath(resource)] ?? {};
  const onObject = { on: "object", tail: "", hasFile: false } as const;
  const made = createBody ?? { fields };
  return [
    ...(operations.create
      ? [bodyOf({ ...onObject, ...made, method: "POST", on: "collection", rest })]
      : []),
    ...(operations.update ? [bodyOf({ ...onObject, method: "PATCH", rest: {}, fields })] : []),
    ...actions.flatMap(({ body, method, on, name, path = name }) =>
      body ? [bodyOf({ ...onObject, ...body, method, on, tail: path && `${path}/`, rest })] : [],
    ),
  ];
}

const bodyOf = ({ method, on, tail, fields, rest, hasFile }: RelatedBody): RelatedBody => ({
  ...{ method, on, tail, fields, rest, hasFile },
});

test("units of another domain are named when they are refused", async (t) => {
  const { api, a, b } = await createTenants(t);
  const unit = a.hrefs.get("content/file/files") ?? "";
  const missing = unit.replace(idOf(unit), uuid7());
  const modify = (json: object) =>
    api.post(`${b.hrefs.get("repositories/file/file")}modify/`, json);

  assert.deepEqual((await modify({ add_content_units: [unit] })).body, [
    `Content units are not a part of the current domain b: ['${unit}']`,
  ]);
  assert.deepEqual((await modify({ add_content_units: [unit, missing] })).body, [
    `Could not find the following content units: ['${missing}']`,
  ]);
});

test("house-keeping of one domain leaves the others alone", async (t) => {
  const { api, a, b } = await createTenants(t);
  const everything = async () => {
    const counts = ["content", "artifact", "task", "repository_version", "upload"].map(
      (table) => sql`select count(*) from ${sql.table(table)} where domain = ${a.domain.num}`,
    );
    const { rows } = await sql<{ count: number }>`${sql.join(counts, sql` union all `)}`.execute(
      api.ctx.db,
    );
    return rows.map(({ count }) => Number(count));
  };
  const before = await everything();
  const caller = { ...api.caller, domain: b.domain };
  const job = () => createJob({ ...api, caller });
  const unit = idOf(a.hrefs.get("content/file/files") ?? "");
  const repository = idOf((a.hrefs.get("repositories/file/file") ?? "").replace(/versions.*/, ""));
  const [broken] = await readdir(join(api.mediaRoot, "artifact", a.domain.id));
  await rm(join(api.mediaRoot, "artifact", a.domain.id, broken ?? ""), { recursive: true });

  await cleanUpOrphans.run(job(), { content: [unit], protectionMinutes: 0 });
  await cleanUpOrphans.run(job(), { protectionMinutes: 0 });
  await reclaimSpaceTask.run(job(), { repositories: [repository], force: true });
  await purgeTasks.run(job(), {
    finished_before: "2999-01-01T00:00:00Z",
    states: ["completed", "failed", "canceled"],
  });
  const repair = job();
  await repairAllArtifacts.run(repair, {});

  assert.deepEqual(await everything(), before);
  assert.equal(repair.report("repair.missing")?.done, 0);
  const { rows } = await sql`
    select from task where domain = ${b.domain.num} and finished_at is not null`.execute(
    api.ctx.db,
  );
  assert.equal(rows.length, 0, "its own are purged");
  const reclaim = { repo_hrefs: [a.hrefs.get("repositories/file/file")] };
  const refused = await api.post(inDomain("b", "repositories/reclaim_space/"), reclaim);
  assert.deepEqual(refused.body, {
    repo_hrefs: [`URI ${reclaim.repo_hrefs[0]} not found for Repository.`],
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { dispatch } from "#core/tasks/commands.ts";
import {
  type JsonUpstream,
  jsonUpstream,
  type UpstreamAnswer,
} from "../../support/json-upstream.ts";
import type { TestApi } from "../../support/rest-api.ts";
import { endedTask, runTasks } from "../../support/run-tasks.ts";
import { makePythonRepository } from "./python-repository.ts";
import { as, below, createService, make, makeDomain, STRANGER, user } from "./support.ts";

const MONITORS = below("default", "pypi_yank_monitor/");
const ANA = as(user("ana", "1"));
const EVE = as(user("eve", "2"));

const file = (yanked: boolean, yanked_reason: string | null = null) => ({ yanked, yanked_reason });

/** What the public index says of `attrs`, in its own spelling of versions. */
const ATTRS: UpstreamAnswer = {
  body: {
    releases: {
      "21.1.0": [file(true, "Shipped with a bug."), file(true)],
      "23.1": [file(true), file(false)],
    },
  },
};

const index = (documents: Readonly<Record<string, UpstreamAnswer>>) => (path: string) =>
  documents[path] ?? { status: 404 };

async function createWorld(
  t: Parameters<typeof createService>[0],
  upstream: JsonUpstream,
  more: Record<string, unknown> = {},
): Promise<TestApi> {
  return createService(t, { PYPI_JSON_URL: upstream.url, PYPI_JSON_TIMEOUT: 2, ...more });
}

test("8.3: a monitor is made for one Python repository or version, and its words are checked", async (t) => {
  const api = await createService(t);
  const at = (path: string) => below("default", path);
  const repository = await make(api, at("repositories/python/python/"), { name: "r" });
  const files = await make(api, at("repositories/file/file/"), { name: "f" });
  const [version, other] = [`${repository}versions/0/`, `${files}versions/0/`];
  const refusals = [
    [{ name: "m" }, "Exactly one of 'repository' or 'repository_version' must be specified."],
    [
      { name: "m", repository, repository_version: version },
      "Exactly one of 'repository' or 'repository_version' must be specified.",
    ],
    [
      { name: "m", repository: files },
      "Only Python repositories can be monitored for PyPI yanking.",
    ],
    [
      { name: "m", repository_version: other },
      "Only Python repository versions can be monitored for PyPI yanking.",
    ],
  ] as const;
  for (const [json, text] of refusals) {
    const { status, body } = await api.request("POST", MONITORS, { json });
    assert.deepEqual([status, body], [400, { non_field_errors: [text] }]);
  }
  const unnamed = await api.request("POST", MONITORS, { json: { repository } });
  assert.deepEqual([unnamed.status, Object.keys(unnamed.body)], [400, ["name"]]);

  const json = { name: "m", repository, repository_version: null, pulp_labels: { a: "b" } };
  const made = await api.request("POST", MONITORS, { json });
  assert.equal(made.status, 201, made.text);
  const { pulp_href, prn, pulp_created, pulp_last_updated, ...shown } = made.body;
  assert.match(pulp_href, /^\/pulp\/default\/api\/v3\/pypi_yank_monitor\/[\da-f-]{36}\/$/);
  assert.match(prn, /^prn:service\.pypiyankmonitor:/);
  assert.ok(pulp_created <= pulp_last_updated);
  assert.deepEqual(shown, {
    ...{ name: "m", description: null, pulp_labels: { a: "b" } },
    ...{ repository, repository_version: null, last_checked: null, pulp_domain: "default" },
  });
  const twice = await api.request("POST", MONITORS, { json });
  assert.deepEqual([twice.status, twice.body], [400, { name: ["This field must be unique."] }]);

  const pinned = await make(api, MONITORS, { name: "pinned", repository_version: version });
  assert.equal((await api.get(pinned)).body.repository_version, version);
  const names = async (query: string) => {
    const { status, body } = await api.get(`${MONITORS}?${query}`);
    assert.equal(status, 200, query);
    return body.results.map(({ name }: { name: string }) => name);
  };
  assert.deepEqual(await names("ordering=name"), ["m", "pinned"]);
  assert.deepEqual(await names("name=m"), ["m"]);
  assert.deepEqual(await names("name__startswith=pin"), ["pinned"]);
  assert.deepEqual(await names("name__iregex=^P"), ["pinned"]);
  assert.deepEqual(await names("pulp_label_select=a=b"), ["m"]);
  assert.deepEqual(await names(`repository=${repository}`), ["m"]);
  assert.deepEqual(await names("repository=null"), ["pinned"]);

  const change = { description: "of the team", pulp_labels: {} };
  const changed = await api.request("PATCH", pulp_href, { json: change });
  assert.equal(changed.status, 200, changed.text);
  assert.deepEqual({ ...changed.body, ...change }, changed.body);
  assert.equal((await api.request("PATCH", pulp_href, { json: { name: "x" } })).status, 400);
  assert.equal((await api.request("PUT", pulp_href, { json })).status, 405);
  assert.equal((await api.request("DELETE", pulp_href)).status, 204);
  assert.equal((await api.get(pulp_href)).status, 404);
});

test("24 Yank: a check reports what was yanked, and only that", async (t) => {
  const upstream = await jsonUpstream(t, index({ "/pypi/attrs/json": ATTRS }));
  const api = await createWorld(t, upstream);
  const repository = await makePythonRepository(api, "default", {
    releases: ["attrs==21.1.0", "attrs==23.1.0", "attrs==1.0", "unheard-of==1.0"],
  });
  const monitor = await make(api, MONITORS, { name: "m", repository });
  const missing = await api.get(`${monitor}report/`);
  assert.deepEqual([missing.status, missing.body], [404, { detail: "Not found." }]);

  const task = await endedTask(api, await api.request("POST", `${monitor}check/`));

  assert.equal(task.state, "completed", JSON.stringify(task.error));
  assert.equal(task.name, "pulp_service.app.tasks.pypi_yank_check.check_packages_for_monitor");
  const id = repository.split("/").at(-2);
  assert.ok(
    task.reserved_resources_record.includes(`shared:prn:python.pythonrepository:${id}`),
    `${task.reserved_resources_record}`,
  );
  const { body } = await api.get(`${monitor}report/`);
  const { pulp_created, pulp_last_updated, ...report } = body;
  assert.ok(pulp_created && pulp_last_updated);
  assert.deepEqual(report, {
    report: { "attrs==21.1.0": { yanked_reason: "Shipped with a bug." } },
    ...{ errors: {}, repository_name: "r" },
  });
  assert.deepEqual(upstream.asked.toSorted(), [
    "GET /pypi/attrs/json",
    "GET /pypi/unheard-of/json",
  ]);
  assert.ok((await api.get(monitor)).body.last_checked);
});

test("a pinned version is checked as it was, and a repository as it is", async (t) => {
  const upstream = await jsonUpstream(t, index({ "/pypi/attrs/json": ATTRS }));
  const api = await createWorld(t, upstream);
  const repository = await makePythonRepository(api, "default", {
    releases: ["attrs==23.1.0", "attrs==21.1.0"],
  });
  const reported = async (json: object) => {
    const monitor = await make(api, MONITORS, json);
    const task = await endedTask(api, await api.request("POST", `${monitor}check/`));
    assert.equal(task.state, "completed", JSON.stringify(task.error));
    return Object.keys((await api.get(`${monitor}report/`)).body.report);
  };
  const before = `${repository}versions/1/`;
  assert.deepEqual(await reported({ name: "pinned", repository_version: before }), []);
  assert.deepEqual(await reported({ name: "whole", repository }), ["attrs==21.1.0"]);
});

test("what the index does not tell is named, and the rest is checked", async (t) => {
  const upstream = await jsonUpstream(
    t,
    index({
      "/pypi/attrs/json": ATTRS,
      "/pypi/odd/json": { body: { releases: 7 } },
      "/pypi/broken/json": { text: "<html>" },
      "/pypi/refused/json": { status: 403 },
    }),
  );
  const api = await createWorld(t, upstream);
  const repository = await makePythonRepository(api, "default", {
    releases: ["attrs==21.1.0", "odd==1", "broken==1", "refused==1"],
  });
  const monitor = await make(api, MONITORS, { name: "m", repository });
  const task = await endedTask(api, await api.request("POST", `${monitor}check/`));
  assert.equal(task.state, "completed", JSON.stringify(task.error));
  const { report, errors } = (await api.get(`${monitor}report/`)).body;
  assert.deepEqual(Object.keys(report), ["attrs==21.1.0"]);
  assert.deepEqual(Object.keys(errors).sort(), ["broken", "odd", "refused"]);
});

test("an index that is busy is asked again, and one that is slow is given up", async (t) => {
  let refusals = 2;
  const upstream = await jsonUpstream(t, (path) => {
    if (path === "/pypi/slow/json") return { afterMs: 60_000 };
    refusals -= 1;
    return refusals >= 0 ? { status: refusals === 1 ? 429 : 503 } : ATTRS;
  });
  const api = await createWorld(t, upstream, { PYPI_JSON_TIMEOUT: 0.3 });
  const repository = await makePythonRepository(api, "default", {
    releases: ["attrs==21.1.0", "slow==1"],
  });
  const monitor = await make(api, MONITORS, { name: "m", repository });
  const task = await endedTask(api, await api.request("POST", `${monitor}check/`));
  assert.equal(task.state, "completed", JSON.stringify(task.error));
  const { report, errors } = (await api.get(`${monitor}report/`)).body;
  assert.deepEqual(Object.keys(report), ["attrs==21.1.0"]);
  assert.deepEqual(Object.keys(errors), ["slow"]);
});

test("only the newest reports stay, and go with their monitor", async (t) => {
  const upstream = await jsonUpstream(t, index({}));
  const api = await createWorld(t, upstream, { YANK_REPORTS_KEPT: 2 });
  const repository = await makePythonRepository(api, "default", { releases: [] });
  const monitor = await make(api, MONITORS, { name: "m", repository });
  const stored = async () => {
    const { rows } = await sql<{ id: string }>`
      select id from service_yank_report order by created`.execute(api.ctx.db);
    return rows.map(({ id }) => id);
  };
  await endedTask(api, await api.request("POST", `${monitor}check/`));
  const [first] = await stored();
  for (let n = 0; n < 2; n += 1)
    await endedTask(api, await api.request("POST", `${monitor}check/`));
  const kept = await stored();
  assert.equal(kept.length, 2);
  assert.ok(first && !kept.includes(first));
  await api.request("DELETE", monitor);
  assert.deepEqual(await stored(), []);
});

test("7: every domain's path leads to a monitor, and only tenants of what it watches have it", async (t) => {
  const upstream = await jsonUpstream(t, index({ "/pypi/attrs/json": ATTRS }));
  const api = await createWorld(t, upstream);
  await makeDomain(api, "team-a", ANA);
  await makeDomain(api, "team-b", EVE);
  const repository = await makePythonRepository(api, "team-a", { releases: ["attrs==21.1.0"] });
  const inA = below("team-a", "pypi_yank_monitor/");
  const inB = below("team-b", "pypi_yank_monitor/");
  const json = { name: "m", repository };
  assert.equal((await api.request("POST", inA, { ...EVE, json })).status, 403);
  assert.equal((await api.request("POST", inB, { ...EVE, json })).status, 400, "not of team-b");
  const made = await api.request("POST", inA, { ...ANA, json });
  assert.equal(made.status, 201, made.text);
  const { pulp_href: href, pulp_domain } = made.body;
  assert.equal(pulp_domain, "team-a");
  assert.equal(made.body.repository, repository, "in the domain of the repository");
  assert.ok(href.startsWith("/pulp/default/"), href);

  const count = async (who: object) => (await api.get(MONITORS, who)).body.count;
  assert.deepEqual([await count(ANA), await count(EVE), await count({})], [1, 0, 1]);
  assert.equal((await api.get(MONITORS, STRANGER)).status, 401);
  for (const path of [href, href.replace("/default/", "/team-b/")]) {
    assert.equal((await api.get(path, ANA)).status, 200);
    for (const [method, end] of [
      ["GET", ""],
      ["PATCH", ""],
      ["DELETE", ""],
      ["POST", "check/"],
      ["GET", "report/"],
    ] as const) {
      const { status } = await api.request(method, `${path}${end}`, { ...EVE, json: {} });
      assert.equal(status, 403, `${method} ${path}${end}`);
    }
  }

  const checked = await api.request("POST", `${href}check/`, ANA);
  assert.equal(checked.status, 202, checked.text);
  assert.ok(checked.body.task.startsWith("/pulp/team-a/"), "where the tenant sees it");
  await runTasks(api);
  assert.equal((await api.get(checked.body.task, ANA)).body.state, "completed");
  const report = await api.get(`${href}report/`, ANA);
  assert.deepEqual(Object.keys(report.body.report), ["attrs==21.1.0"]);
});

test("19: the daily task checks every monitor in the domain of what it watches", async (t) => {
  const upstream = await jsonUpstream(t, index({ "/pypi/attrs/json": ATTRS }));
  const api = await createWorld(t, upstream);
  await makeDomain(api, "team-a", ANA);
  for (const domain of ["default", "team-a"]) {
    const repository = await makePythonRepository(api, domain, { releases: ["attrs==21.1.0"] });
    await make(api, below(domain, "pypi_yank_monitor/"), { name: domain, repository });
  }
  const task = api.ctx.plugins.task(
    "pulp_service.app.tasks.pypi_yank_check.dispatch_pypi_yank_checks",
  );
  assert.ok(task);
  const caller = { domain: api.domain, user: null, correlationId: "c" };
  await dispatch(api.ctx, { task, input: {}, caller });
  await runTasks(api);
  for (const { pulp_href, name } of (await api.get(MONITORS)).body.results) {
    const { body } = await api.get(`${pulp_href}report/`);
    assert.deepEqual(Object.keys(body.report), ["attrs==21.1.0"], name);
    const query = "name__contains=check_packages_for_monitor";
    assert.equal((await api.get(below(name, `tasks/?${query}`))).body.count, 1, name);
  }
});

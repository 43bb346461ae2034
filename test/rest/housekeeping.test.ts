import assert from "node:assert/strict";
import { test } from "node:test";
import { openArguments } from "#core/tasks/arguments.ts";
import { createTestApi, ROOT, type TestApi } from "../support/rest-api.ts";

const UNIT = "01900000-0000-7000-8000-00000000000a";

async function taskOf(api: TestApi, method: string, path: string, json?: object) {
  const options = json === undefined ? {} : { json };
  const { status, body, text } = await api.request(method, path, options);
  assert.equal(status, 202, text);
  assert.deepEqual(Object.keys(body), ["task"]);
  const id = body.task.split("/").at(-2);
  const row = await api.ctx.db
    .selectFrom("task")
    .select(["name", "resources", "arguments"])
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  const { input } = openArguments(api.ctx, row);
  const own = row.resources.filter((name) => !name.startsWith("shared:prn:core.domain:"));
  return { name: row.name.split(".").at(-1), resources: own, input };
}

test("orphan clean-up, new and old", async (t) => {
  const api = await createTestApi(t);
  const resources = [`pdrn:${api.domain.id}:orphans`];
  const name = "orphan_cleanup";
  const path = "orphans/cleanup/";

  assert.deepEqual(await taskOf(api, "POST", path, {}), { name, resources, input: {} });
  assert.deepEqual(await taskOf(api, "DELETE", "orphans/"), { name, resources, input: {} });
  assert.deepEqual(
    await taskOf(api, "POST", path, {
      content_hrefs: [`${ROOT}content/file/files/${UNIT}/`, `prn:file.filecontent:${UNIT}`],
      orphan_protection_time: 0,
      unknown: 1,
    }),
    { name, resources, input: { content: [UNIT, UNIT], protectionMinutes: 0 } },
  );
  assert.deepEqual(
    (await taskOf(api, "POST", path, { orphan_protection_time: null })).input,
    {},
    "null is the default",
  );
});

test("orphan clean-up refuses what it cannot use", async (t) => {
  const api = await createTestApi(t);
  const foreign = `${ROOT}users/1/`;
  const cases: readonly (readonly [object, object])[] = [
    [{ content_hrefs: [] }, { content_hrefs: ["Must not be []."] }],
    [{ content_hrefs: ["x"] }, { content_hrefs: ["URI not valid: x"] }],
    [{ content_hrefs: [5] }, { content_hrefs: ["URI not valid: 5"] }],
    [
      { content_hrefs: [`${ROOT}tasks/${UNIT}/`] },
      { content_hrefs: [`URI ${ROOT}tasks/${UNIT}/ is not a valid Content.`] },
    ],
    [{ content_hrefs: [foreign] }, { content_hrefs: [`URI not valid: ${foreign}`] }],
    [
      { orphan_protection_time: -1 },
      { orphan_protection_time: ["Ensure this value is greater than or equal to 0."] },
    ],
    [
      { orphan_protection_time: 4_294_967_296 },
      { orphan_protection_time: ["Ensure this value is less than or equal to 4294967295."] },
    ],
  ];
  for (const [json, detail] of cases) {
    const { status, body } = await api.post("orphans/cleanup/", json);
    assert.equal(status, 400, JSON.stringify(json));
    assert.deepEqual(body, detail);
  }
});

test("fifty thousand hrefs are no problem", async (t) => {
  const api = await createTestApi(t, { settings: { DATA_UPLOAD_MAX_MEMORY_SIZE: 20_000_000 } });
  const content_hrefs = Array.from({ length: 50_000 }, () => `${ROOT}content/file/files/${UNIT}/`);
  const started = performance.now();

  const { input } = await taskOf(api, "POST", "orphans/cleanup/", { content_hrefs });

  assert.equal((input as { content: string[] }).content.length, 50_000);
  assert.ok(performance.now() - started < 5000);
});

test("repair of the whole domain", async (t) => {
  const api = await createTestApi(t);
  const name = "repair_all_artifacts";
  const resources = [`pdrn:${api.domain.id}:repair`];

  assert.deepEqual(await taskOf(api, "POST", "repair/", {}), {
    name,
    resources,
    input: { verifyChecksums: true },
  });
  assert.deepEqual(
    (await taskOf(api, "POST", "repair/", { verify_checksums: false, x: 1 })).input,
    { verifyChecksums: false },
  );
  assert.equal((await api.post("repair/", { verify_checksums: "maybe" })).status, 400);
});

test("space is reclaimed in some repositories or in all", async (t) => {
  const api = await createTestApi(t);
  const path = "repositories/reclaim_space/";
  assert.deepEqual(await taskOf(api, "POST", path, { repo_hrefs: ["*"] }), {
    name: "reclaim_space",
    resources: [`pdrn:${api.domain.id}:reclaim_space`],
    input: { repositories: "*", keptVersions: [] },
  });
  const a = (await api.post("repositories/file/file/", { name: "a" })).body;
  const b = (await api.post("repositories/file/file/", { name: "b" })).body;
  const ids = [a, b].map(({ prn }) => prn.split(":")[2]);
  const version = (await api.get(a.latest_version_href)).body;

  const some = await taskOf(api, "POST", path, {
    repo_hrefs: [a.pulp_href, b.prn],
    repo_versions_keeplist: [version.pulp_href, version.prn],
  });
  assert.deepEqual(some, {
    name: "reclaim_space",
    resources: [`shared:${a.prn}`, `shared:${b.prn}`].toSorted(),
    input: {
      repositories: ids,
      keptVersions: [version.prn.split(":")[2], version.prn.split(":")[2]],
    },
  });
  const all = await taskOf(api, "POST", path, { repo_hrefs: ["*"] });
  assert.deepEqual(all.resources, [`shared:${a.prn}`, `shared:${b.prn}`].toSorted());

  const missing = `${ROOT}repositories/file/file/${UNIT}/`;
  const cases: readonly (readonly [object, object])[] = [
    [{}, { repo_hrefs: ["This field is required."] }],
    [{ repo_hrefs: [] }, { repo_hrefs: ["Must not be []."] }],
    [
      { repo_hrefs: ["*", a.pulp_href] },
      { repo_hrefs: ["Can not specify other HREFs when using '*'"] },
    ],
    [{ repo_hrefs: ["x"] }, { repo_hrefs: ["URI not valid: x"] }],
    [
      { repo_hrefs: [a.pulp_href, missing] },
      { repo_hrefs: [`URI ${missing} not found for Repository.`] },
    ],
    [
      { repo_hrefs: [version.pulp_href] },
      { repo_hrefs: [`URI ${version.pulp_href} is not a valid Repository.`] },
    ],
    [
      { repo_hrefs: ["*"], repo_versions_keeplist: [`${a.pulp_href}versions/99/`] },
      {
        repo_versions_keeplist: [`URI ${a.pulp_href}versions/99/ not found for RepositoryVersion.`],
      },
    ],
  ];
  for (const [json, detail] of cases) {
    const { status, body } = await api.post(path, json);
    assert.equal(status, 400, JSON.stringify(json));
    assert.deepEqual(body, detail);
  }
});

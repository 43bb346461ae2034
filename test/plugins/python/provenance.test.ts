import assert from "node:assert/strict";
import { test } from "node:test";
import { formOf, type TestApi } from "../../support/rest-api.ts";
import { type EndedTask, endedTask, runTasks } from "../../support/run-tasks.ts";
import { sdist, wheel } from "./distributions.ts";
import {
  attestation,
  createPythonApi,
  filenames,
  made,
  modify,
  PACKAGES,
  PROVENANCE,
  REPOSITORIES,
  uploaded,
} from "./support.ts";

const provenanceOf = (...attestations: readonly object[]) => ({
  version: 1,
  attestation_bundles: [{ publisher: { kind: "Test", any: "thing" }, attestations }],
});

async function create(
  api: TestApi,
  provenance: unknown,
  fields: Readonly<Record<string, string>>,
): Promise<EndedTask> {
  const bytes = typeof provenance === "string" ? provenance : JSON.stringify(provenance);
  const form = formOf(fields, [{ name: "file", bytes, filename: "p.json" }]);
  return endedTask(api, await api.request("POST", PROVENANCE, form));
}

test("a provenance is a unit about its package, and joins a repository", async (t) => {
  const api = await createPythonApi(t);
  const { pulp_href: repository } = await made(api, REPOSITORIES, { name: "r" });
  const file = wheel();
  const unit = (await uploaded(api, file)).pulp_href;
  const provenance = provenanceOf(attestation(file));

  const task = await create(api, provenance, { package: unit, repository });

  assert.equal(task.state, "completed", JSON.stringify(task.error));
  assert.equal(task.created_resources[0], `${repository}versions/1/`);
  const { body } = await api.get(task.created_resources.at(-1) ?? "");
  assert.equal(body.package, unit);
  assert.deepEqual(body.provenance, provenance);
  assert.match(body.sha256, /^[0-9a-f]{64}$/);
  const again = await create(api, provenance, { package: unit });
  assert.deepEqual(again.created_resources, [body.pulp_href]);
  for (const query of [`package=${unit}`, `package__in=${unit}`, `sha256=${body.sha256}`]) {
    assert.equal((await api.get(`${PROVENANCE}?${query}`)).body.count, 1, query);
  }
  assert.equal((await api.get(`${PROVENANCE}?package=${body.pulp_href}`)).body.count, 0);
  assert.equal((await api.get(`${PROVENANCE}?package=none`)).status, 400);
  const minimal = (await api.get(`${PROVENANCE}?minimal=true`)).body.results[0];
  assert.equal("provenance" in minimal, false);
});

test("a provenance that does not hold makes no unit", async (t) => {
  const api = await createPythonApi(t);
  const unit = (await uploaded(api, wheel())).pulp_href;
  const wrong = provenanceOf(attestation(sdist()));
  const cases: readonly (readonly [unknown, RegExp])[] = [
    ["{", /The uploaded provenance is not valid: the text is no JSON/],
    ["[]", /The uploaded provenance is not valid: provenance is not an object/],
    [{ version: 1 }, /attestation_bundles is not a list/],
    [
      wrong,
      /Provenance verification failed: .*shelf_reader-0\.1\.tar\.gz != shelf_reader-0\.1-py3/,
    ],
  ];
  for (const [provenance, text] of cases) {
    const task = await create(api, provenance, { package: unit });
    assert.equal(task.state, "failed");
    assert.match(task.error?.description ?? "", text);
  }
  const unverified = await create(api, wrong, { package: unit, verify: "false" });
  assert.equal(unverified.state, "completed", JSON.stringify(unverified.error));
});

test("a provenance is about a package of its domain", async (t) => {
  const api = await createPythonApi(t);
  const unit = await uploaded(api, wheel());
  const task = await create(api, provenanceOf(attestation(wheel())), { package: unit.prn });
  const provenance = task.created_resources[0] ?? "";
  const file = [{ name: "file", bytes: "{}", filename: "p.json" }];
  const bad: readonly (readonly [string, RegExp])[] = [
    [unit.pulp_href.replace(/[0-9a-f]{4}\/$/, "0000/"), /Object does not exist/],
    [provenance, /Incorrect URL match/],
    ["nonsense", /No URL match/],
  ];
  for (const [named, text] of bad) {
    const answer = await api.request("POST", PROVENANCE, formOf({ package: named }, file));
    assert.equal(answer.status, 400, answer.text);
    assert.match(JSON.stringify(answer.body.package), text);
  }
  const missing = await api.request("POST", PROVENANCE, formOf({}, file));
  assert.deepEqual(missing.body.package, ["This field is required."]);
});

const cleanUp = async (api: TestApi): Promise<void> => {
  const task = await endedTask(
    api,
    await api.post("orphans/cleanup/", { orphan_protection_time: 0 }),
  );
  assert.equal(task.state, "completed", JSON.stringify(task.error));
};

test("a package stays while something is attested about it, and goes after it", async (t) => {
  const api = await createPythonApi(t);
  const { pulp_href: repository } = await made(api, REPOSITORIES, { name: "r" });
  const unit = (await uploaded(api, wheel())).pulp_href;
  await create(api, provenanceOf(attestation(wheel())), { package: unit, repository });

  await cleanUp(api);
  assert.equal((await api.get(unit)).status, 200, "a version holds its provenance");
  await modify(api, repository, { remove_content_units: ["*"] });
  const { body } = await api.request("DELETE", `${repository}versions/1/`);
  assert.match(body.task, /tasks/);
  await runTasks(api);
  await cleanUp(api);

  assert.equal((await api.get(PROVENANCE)).body.count, 0);
  assert.equal((await api.get(PACKAGES)).body.count, 0);
  const left = await api.ctx.db.selectFrom("content_artifact").select("id").execute();
  assert.deepEqual(left, []);
  assert.deepEqual(await filenames(api, repository), []);
});

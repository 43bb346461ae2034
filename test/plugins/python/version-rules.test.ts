import assert from "node:assert/strict";
import { test } from "node:test";
import { sdist, wheel } from "./distributions.ts";
import {
  attestation,
  createPackage,
  createPythonApi,
  filenames,
  made,
  modify,
  PACKAGES,
  REPOSITORIES,
  uploaded,
} from "./support.ts";

const FIRST_SENTENCE =
  "Found duplicate packages being added with the same filename but different checksums. To allow this, set 'allow_package_substitution' to True on the repository.";

test("where substitution is forbidden a file keeps its name to itself", async (t) => {
  const api = await createPythonApi(t);
  const { pulp_href: repository } = await made(api, REPOSITORIES, {
    name: "r",
    allow_package_substitution: false,
  });
  const first = (await uploaded(api, sdist())).pulp_href;
  const other = (await uploaded(api, sdist({ salt: "2" }))).pulp_href;
  const add = (...units: readonly string[]) => ({ add_content_units: units });
  await modify(api, repository, add(first));

  const refused = await api.post(`${repository}modify/`, add(other));
  assert.equal(refused.status, 400);
  assert.deepEqual(refused.body, [
    `${FIRST_SENTENCE} Existing conflicting packages: ${sdist().filename}`,
  ]);
  const again = await modify(api, repository, add(first));
  assert.equal(again.state, "completed");
  const uploadedOther = await createPackage(api, sdist({ salt: "2" }), { repository });
  assert.equal(uploadedOther.state, "failed");
  assert.equal(
    uploadedOther.error?.description,
    `${FIRST_SENTENCE} Conflicting packages: ${sdist().filename}`,
  );
  const unrelated = { remove_content_units: [(await uploaded(api, wheel())).pulp_href] };
  const late = await modify(api, repository, { ...add(other), ...unrelated });
  assert.equal(late.state, "failed");
  assert.match(late.error?.description ?? "", /^Found duplicate packages being added/);
  const base = { base_version: `${repository}versions/1/` };
  const based = await modify(api, repository, { ...add(other), ...base });
  assert.match(based.error?.description ?? "", /^Found duplicate packages being added/);
  const fromEmpty = { base_version: `${repository}versions/0/` };
  assert.equal((await modify(api, repository, { ...add(other), ...fromEmpty })).state, "completed");
  const swapped = await modify(api, repository, { ...add(first), remove_content_units: [other] });
  assert.equal(swapped.state, "completed", JSON.stringify(swapped.error));
  const all = await modify(api, repository, { ...add(other), remove_content_units: ["*"] });
  assert.equal(all.state, "completed", JSON.stringify(all.error));
  assert.deepEqual(await filenames(api, repository), [sdist().filename]);
});

test("refused packages are left out where that is no error, and are told", async (t) => {
  const api = await createPythonApi(t);
  const { pulp_href: repository } = await made(api, REPOSITORIES, {
    name: "r",
    allow_package_substitution: false,
    error_on_reject: false,
  });
  const first = (await uploaded(api, sdist())).pulp_href;
  const other = (await uploaded(api, sdist({ salt: "2" }))).pulp_href;
  const fine = (await uploaded(api, wheel())).pulp_href;
  await modify(api, repository, { add_content_units: [first] });

  const task = await modify(api, repository, { add_content_units: [other, fine] });

  assert.equal(task.state, "completed", JSON.stringify(task.error));
  const [report] = task.progress_reports.filter(({ code }) => code === "repository.rejected");
  assert.equal(report?.total, 1);
  assert.match(report?.suffix ?? "", /shelf_reader-0\.1\.tar\.gz: another file of its name/);
  const { body } = await api.get(`${PACKAGES}?repository_version=${repository}versions/2/`);
  const hrefs = body.results.map(({ pulp_href }: { pulp_href: string }) => pulp_href);
  assert.deepEqual(hrefs.sort(), [first, fine].sort());
  const attestations = JSON.stringify([attestation(sdist({ salt: "2" }))]);
  const alone = await createPackage(api, sdist({ salt: "2" }), { repository, attestations });
  assert.equal(alone.state, "completed");
  assert.equal(
    alone.created_resources.some((href) => href.includes("versions")),
    false,
    "neither the package nor what is attested about it made a version",
  );
});

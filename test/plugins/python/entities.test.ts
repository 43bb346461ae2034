import assert from "node:assert/strict";
import { test } from "node:test";
import type { Settings } from "#platform/config/settings.ts";
import { endedTask } from "../../support/run-tasks.ts";
import {
  createPythonApi,
  DISTRIBUTIONS,
  made,
  PUBLICATIONS,
  REMOTES,
  REPOSITORIES,
} from "./support.ts";

test("a repository keeps the keys of the plugin, and changes them", async (t) => {
  const api = await createPythonApi(t);

  const plain = await made(api, REPOSITORIES, { name: "plain" });
  const strict = { allow_package_substitution: false, error_on_reject: false, autopublish: true };
  const other = await made(api, REPOSITORIES, { name: "strict", ...strict });

  const keys = ({ autopublish, allow_package_substitution, error_on_reject }: typeof plain) => ({
    autopublish,
    allow_package_substitution,
    error_on_reject,
  });
  assert.deepEqual(keys(plain), {
    autopublish: false,
    allow_package_substitution: true,
    error_on_reject: true,
  });
  assert.deepEqual(keys(other), strict);
  assert.match(plain.prn, /^prn:python\.pythonrepository:/);
  const changed = await api.request("PATCH", plain.pulp_href, { json: { autopublish: true } });
  assert.equal(changed.status, 202, changed.text);
  assert.equal((await api.get(plain.pulp_href)).body.autopublish, true);
});

test("a remote is on demand and takes everything, unless it is told otherwise", async (t) => {
  const api = await createPythonApi(t);
  const url = "https://upstream.example/";

  const remote = await made(api, REMOTES, { name: "r", url });
  const { policy, includes, excludes, prereleases, package_types, keep_latest_packages } = remote;
  assert.deepEqual(
    { policy, includes, excludes, prereleases, package_types, keep_latest_packages },
    {
      policy: "on_demand",
      includes: [],
      excludes: [],
      prereleases: false,
      package_types: [],
      keep_latest_packages: 0,
    },
  );
  const changes = {
    includes: ["Django~=4.2", "flask"],
    package_types: ["sdist"],
    exclude_platforms: ["windows", "macos"],
    keep_latest_packages: 5,
    provenance: true,
  };
  assert.equal((await api.request("PATCH", remote.pulp_href, { json: changes })).status, 202);
  const now = (await api.get(remote.pulp_href)).body;
  assert.deepEqual(
    { ...now, ...changes, pulp_last_updated: "" },
    { ...now, pulp_last_updated: "" },
  );
  const again = await api.request("PATCH", remote.pulp_href, { json: changes });
  assert.equal(again.status, 200, "what is stored already is no change");
});

const BAD_REMOTES: readonly (readonly [object, string, RegExp])[] = [
  [{ package_types: ["rpm"] }, "package_types", /"rpm" is not a valid choice/],
  [{ exclude_platforms: ["amiga"] }, "exclude_platforms", /"amiga" is not a valid choice/],
  [{ keep_latest_packages: -1 }, "keep_latest_packages", /greater than or equal to 0/],
  [{ keep_latest_packages: 2 ** 31 }, "keep_latest_packages", /less than or equal to/],
  [{ includes: [""] }, "includes", /may not be blank/],
  [{ includes: "django" }, "includes", /Expected a list/],
  [{ includes: ["flask", "a b"] }, "includes", /includes specifier a b is invalid\. \S/],
  [{ excludes: ["django=>1"] }, "excludes", /excludes specifier django=>1 is invalid\. \S/],
  [{ policy: "later" }, "policy", /not a valid choice/],
];

test("a remote that asks for what is not there is refused", async (t) => {
  const api = await createPythonApi(t);
  for (const [values, field, text] of BAD_REMOTES) {
    const answer = await api.post(REMOTES, { name: "r", url: "https://x.example/", ...values });
    assert.equal(answer.status, 400, answer.text);
    assert.match(JSON.stringify(answer.body[field]).replaceAll("\\", ""), text);
  }
  assert.equal((await api.get(REMOTES)).body.count, 0);
});

const BASE_URLS = [
  [{}, /^https:\/\/[^/]+\/pypi\/some\/path\/$/],
  [{ PYPI_API_HOSTNAME: "https://h.example/" }, /^https:\/\/h\.example\/pypi\/some\/path\/$/],
  [
    { PYPI_API_HOSTNAME: "https://h.example", PYPI_PATH_PREFIX: "api/pypi" },
    /example\/api\/pypi\/some/,
  ],
] as const;

for (const [settings, address] of BASE_URLS) {
  test(`a distribution sends clients to the index (${JSON.stringify(settings)})`, async (t) => {
    const api = await createPythonApi(t, settings as Partial<Settings>);
    const body = await made(api, DISTRIBUTIONS, { name: "d", base_path: "some/path" });

    assert.match(body.base_url, address);
    assert.equal(body.allow_uploads, true);
  });
}

test("a distribution has one source at most, and may refuse uploads", async (t) => {
  const api = await createPythonApi(t);
  const { pulp_href: repository, latest_version_href } = await made(api, REPOSITORIES, {
    name: "r",
  });
  const { pulp_href: remote } = await made(api, REMOTES, { name: "r", url: "http://x.example/" });
  const both = await api.post(DISTRIBUTIONS, {
    name: "d",
    base_path: "d",
    repository,
    repository_version: latest_version_href,
  });
  assert.equal(both.status, 400);

  const input = { name: "d", base_path: "d", allow_uploads: false, repository, remote };
  const body = await made(api, DISTRIBUTIONS, input);
  assert.deepEqual({ ...body, ...input }, body);
  const json = { allow_uploads: true, repository: null, repository_version: latest_version_href };
  assert.equal((await api.request("PATCH", body.pulp_href, { json })).status, 202);
  const now = (await api.get(body.pulp_href)).body;
  assert.deepEqual({ ...now, ...json }, now);
});

test("an empty version is published with its root page, and the publication can be served", async (t) => {
  const api = await createPythonApi(t);
  const { pulp_href: repository } = await made(api, REPOSITORIES, { name: "r" });

  const task = await endedTask(api, await api.post(PUBLICATIONS, { repository }));

  assert.equal(task.state, "completed", JSON.stringify(task.error));
  assert.equal(task.name, "pulp_python.app.tasks.publish.publish");
  assert.match(task.reserved_resources_record.join(), /shared:prn:python\.pythonrepository:/);
  const [publication = ""] = task.created_resources;
  assert.equal((await api.get(publication)).body.repository, repository);
  await made(api, DISTRIBUTIONS, { name: "d", base_path: "d", publication });
  const { distributions } = (await api.get(publication)).body;
  assert.equal(distributions.length, 1);
});

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type OsvOptions, osvServer, recordOf } from "../../support/osv.ts";
import { endedTask } from "../../support/run-tasks.ts";
import { sdist, wheel } from "./distributions.ts";
import { createPackage, createPythonApi, made, REPOSITORIES } from "./support.ts";

type Advisories = Record<string, readonly string[]>;

/** A repository with two files of `django 1.10` and one of `clean 2`, and what is known of them. */
async function createWorld(t: TestContext, instead?: OsvOptions["instead"]) {
  const advisories: Advisories = { "PyPI/django/1.10": ["I-1", "I-2"] };
  const osv = await osvServer(t, { advisories, ...(instead ? { instead } : {}) });
  const api = await createPythonApi(t, { OSV_API_URL: osv.url });
  const { pulp_href: repository } = await made(api, REPOSITORIES, { name: "r" });
  const django = { name: "django", version: "1.10" };
  for (const file of [sdist(django), wheel(django), sdist({ name: "clean", version: "2" })])
    await createPackage(api, file, { repository });
  const version = `${repository}versions/3/`;
  return {
    ...{ api, osv, advisories, repository, version },
    async scan(of = version) {
      const task = await endedTask(api, await api.post(`${of}scan/`, {}));
      const counts = task.progress_reports.map(({ code, done }) => [code, done]);
      return { task, counts: Object.fromEntries(counts) };
    },
    reports: async (query = "") => (await api.get(`vuln_report/?${query}`)).body.results,
  };
}

test("a scan keeps one report for each unit that has vulnerabilities", async (t) => {
  const { api, osv, scan, reports, version, repository } = await createWorld(t);

  const { task, counts } = await scan();

  assert.equal(task.state, "completed", JSON.stringify(task.error));
  assert.equal(task.name, "pulpcore.app.tasks.vulnerability_report.check_content");
  assert.deepEqual(counts, { total_scanned: 3, created: 2, updated: 0 });
  assert.deepEqual(osv.queries.toSorted(), ["PyPI/clean/2", "PyPI/django/1.10"]);
  const found = await reports();
  assert.equal(found.length, 2);
  for (const report of found) {
    const { pulp_href, prn, pulp_created, pulp_last_updated, content, ...shown } = report;
    assert.match(pulp_href, /^\/pulp\/api\/v3\/vuln_report\/[\da-f-]{36}\/$/);
    assert.match(prn, /^prn:core\.vulnerabilityreport:/);
    assert.ok(pulp_created && pulp_last_updated);
    assert.deepEqual(shown, {
      vulns: [recordOf("I-1"), recordOf("I-2")],
      repo_versions: [version],
    });
    const unit = (await api.get(content)).body;
    assert.deepEqual([unit.name, unit.vuln_report], ["django", pulp_href]);
  }
  const clean = (await api.get("content/python/packages/?name=clean")).body.results[0];
  assert.equal(clean.vuln_report, null);
  assert.equal((await reports(`repo_versions=${version}`)).length, 2);
  assert.equal((await reports(`repo_versions=${repository}versions/1/`)).length, 0);
  const { vuln_report: link } = (await api.get(version)).body;
  assert.equal((await api.get(link)).body.count, 2, "the version leads to them");
});

test("another scan changes what has changed, and nothing else", async (t) => {
  const { api, scan, reports, advisories, version, repository } = await createWorld(t);
  await scan();
  const before = await reports();
  assert.deepEqual((await scan()).counts, { total_scanned: 3, created: 0, updated: 0 });
  assert.deepEqual(await reports(), before);

  advisories["PyPI/django/1.10"] = [];
  advisories["PyPI/clean/2"] = ["I-3"];
  const older = `${repository}versions/2/`;
  assert.deepEqual((await scan(older)).counts, { total_scanned: 2, created: 0, updated: 2 });
  const after = await reports();
  assert.deepEqual(
    after.map(({ vulns, repo_versions }: { vulns: unknown; repo_versions: string[] }) => [
      vulns,
      repo_versions.toSorted(),
    ]),
    [
      [[], [older, version]],
      [[], [older, version]],
    ],
  );
  assert.deepEqual((await scan()).counts, { total_scanned: 3, created: 1, updated: 0 });

  const [{ pulp_href: href, content }] = after;
  assert.equal((await api.request("DELETE", href)).status, 204);
  assert.equal((await api.get(href)).status, 404);
  assert.equal((await api.get(content)).body.vuln_report, null);
  assert.equal((await api.request("PATCH", href, { json: {} })).status, 405);
});

test("a scan that cannot ask changes nothing", async (t) => {
  let isAway = false;
  const { scan, reports } = await createWorld(t, () => (isAway ? { text: "<html>" } : undefined));
  await scan();
  const before = await reports();
  isAway = true;
  const { task } = await scan();
  assert.equal(task.state, "failed");
  assert.match(task.error?.description ?? "", /it is no JSON/);
  assert.deepEqual(await reports(), before);
});

test("reports go with the version and with the unit that they are about", async (t) => {
  const { api, scan, reports, version, repository } = await createWorld(t);
  await scan();
  await endedTask(api, await api.request("DELETE", version));
  const left = await reports();
  assert.deepEqual(
    left.map(({ repo_versions }: { repo_versions: readonly string[] }) => repo_versions),
    [[], []],
  );
  await endedTask(api, await api.request("DELETE", repository));
  const json = { orphan_protection_time: 0 };
  await endedTask(api, await api.request("POST", "orphans/cleanup/", { json }));
  assert.deepEqual(await reports(), []);
});

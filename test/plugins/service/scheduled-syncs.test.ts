import assert from "node:assert/strict";
import { test } from "node:test";
import { syncBuiltinSchedules } from "#core/schedules/commands.ts";
import { openArguments } from "#core/tasks/arguments.ts";
import { service } from "#plugins/service/plugin.ts";
import { syncLightwell, syncScheduled } from "#plugins/service/syncs/tasks.ts";
import { createJob } from "../../support/job.ts";
import type { TestApi } from "../../support/rest-api.ts";
import { below, createService, make, makeDomain } from "./support.ts";

const REMOTE = { url: "http://127.0.0.1:9/simple/", includes: ["a"] };

const schedulesOf = async ({ ctx }: TestApi) =>
  (await ctx.db.selectFrom("task_schedule").select(["name", "task_name"]).execute()).map(
    ({ name, task_name }) => [name, task_name],
  );

const namesOf = async (api: TestApi) => (await schedulesOf(api)).map(([name]) => name).sort();

/** Tasks that were dispatched, with what they were told. */
async function queued({ ctx }: TestApi) {
  const rows = await ctx.db
    .selectFrom("task")
    .innerJoin("domain", "domain.num", "task.domain")
    .select(["task.name", "task.arguments", "task.resources", "domain.name as domain"])
    .where("task.name", "not like", "%base%")
    .orderBy("task.seq")
    .execute();
  return rows.map(({ arguments: sealed, ...row }) => ({
    ...row,
    input: openArguments(ctx, { arguments: sealed }).input,
  }));
}

const idOf = (href: string): string => href.split("/").at(-2) ?? "";

/** What the setting has to be when it is read. */
const withSyncs = (api: TestApi, SCHEDULED_SYNCS: readonly object[]): TestApi => ({
  ...api,
  ctx: { ...api.ctx, settings: Object.assign({ ...api.ctx.settings }, { SCHEDULED_SYNCS }) },
});

test("19: every schedule has its name, its task and its interval", async (t) => {
  const api = await createService(t);
  await syncBuiltinSchedules(api.ctx);
  const { schedules = [] } = service;
  const listed = typeof schedules === "function" ? schedules(api.ctx.settings) : schedules;
  const module = "pulp_service.app.tasks";
  assert.deepEqual(
    Object.fromEntries(listed.map(({ name, taskName, minutes }) => [name, [taskName, minutes]])),
    {
      "Collect Content Sources metrics periodically": [
        ...[`${module}.domain_metrics.content_sources_domains_count`, 60],
      ],
      "Collect RHEL AI metrics periodically": [
        ...[`${module}.domain_metrics.rhel_ai_repos_count`, 60],
      ],
      "Monitor PyPI packages for yanking": [
        ...[`${module}.pypi_yank_check.dispatch_pypi_yank_checks`, 1440],
      ],
      "Sync Lightwell repository with Trusted Libraries content": [
        ...[`${module}.lightwell_period_sync.python_repository_sync`, 1440],
      ],
      "Clean up stale task locks periodically": [
        ...[`${module}.stale_lock_cleanup.cleanup_stale_locks`, 360],
      ],
      "Clean up the quarantine of malware scans periodically": [
        ...[`${module}.malware_scan.purge_quarantine`, 1440],
      ],
      "Remove old download metrics periodically": [
        ...[`${module}.download_metrics.clean_up_metrics`, 1440],
      ],
      "Sample the storage of domains periodically": [
        ...[`${module}.download_metrics.sample_storage`, 1440],
      ],
    },
  );
  const stored = await namesOf(api);
  for (const { name } of listed) assert.ok(stored.includes(name), name);
});

test("24 Lightwell sync: nothing without the repository, an error without the remote", async (t) => {
  const api = await createService(t);
  const run = () => syncLightwell.run(createJob(api), {});
  assert.equal(await run(), null, "without the domain");
  await makeDomain(api, "lightwell", {});
  assert.equal(await run(), null);
  assert.deepEqual(await queued(api), []);
  const name = "network-python-validated-landing";
  await make(api, below("default", "repositories/python/python/"), { name });
  assert.equal(await run(), null, "that of another domain is another one");
  await make(api, below("lightwell", "repositories/python/python/"), { name });
  await make(api, below("default", "remotes/python/python/"), {
    ...{ name: "trusted-libraries", ...REMOTE },
  });
  await assert.rejects(
    async () => run(),
    /There is no remote 'trusted-libraries' in the domain 'lightwell'/,
  );
  assert.deepEqual(await queued(api), []);
});

test("24 Lightwell sync: right names, additive, in the domain, exclusive", async (t) => {
  const api = await createService(t);
  await makeDomain(api, "lightwell", {});
  const repository = await make(api, below("lightwell", "repositories/python/python/"), {
    name: "network-python-validated-landing",
  });
  const remote = await make(api, below("lightwell", "remotes/python/python/"), {
    ...{ name: "trusted-libraries", ...REMOTE },
  });
  await syncLightwell.run(createJob(api), {});
  const [task, ...more] = await queued(api);
  assert.deepEqual(more, []);
  assert.equal(task?.name, "pulp_python.app.tasks.sync.sync");
  assert.equal(task?.domain, "lightwell");
  assert.deepEqual(task?.input, {
    ...{ repository: idOf(repository), remote: idOf(remote), mirror: false },
  });
  assert.ok(task?.resources.includes(`prn:python.pythonrepository:${idOf(repository)}`));
  assert.ok(task?.resources.includes(`shared:prn:python.pythonremote:${idOf(remote)}`));
});

test("19: SCHEDULED_SYNCS is kept as the setting has it", async (t) => {
  const api = await createService(t);
  const entry = { domain: "default", type: "file", repository: "r", remote: "m" };
  const schedule = "Sync the file repository default/r with m";
  await syncBuiltinSchedules(api.ctx);
  const before = await namesOf(api);
  const hourly = withSyncs(api, [{ ...entry, interval: 60 }]);
  await syncBuiltinSchedules(hourly.ctx);
  assert.deepEqual(await namesOf(api), [...before, schedule].sort());
  const row = await api.get(`/pulp/default/api/v3/task-schedules/?name=${schedule}`);
  const [{ dispatch_interval, task_name }] = row.body.results;
  assert.deepEqual([dispatch_interval, task_name], ["01:00:00", syncScheduled.name]);

  const repository = await make(api, below("default", "repositories/file/file/"), { name: "r" });
  const run = (on: TestApi) => syncScheduled.run(createJob(on), { schedule });
  await assert.rejects(async () => run(hourly), /There is no remote 'm' in the domain 'default'/);
  const url = "http://127.0.0.1:9/PULP_MANIFEST";
  const remote = await make(api, below("default", "remotes/file/file/"), { name: "m", url });
  assert.equal(await run(api), null, "an entry that is gone meanwhile");
  await run(withSyncs(api, [{ ...entry, mirror: true }]));
  assert.deepEqual(
    (await queued(api)).map(({ name, input }) => [name, input]),
    [
      [
        "pulp_file.app.tasks.synchronizing.synchronize",
        { repository: idOf(repository), remote: idOf(remote), mirror: true },
      ],
    ],
  );
  await syncBuiltinSchedules(api.ctx);
  assert.deepEqual(await namesOf(api), before, "what the setting does not name any more goes");
});

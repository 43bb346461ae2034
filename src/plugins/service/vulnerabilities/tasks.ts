import { Type } from "@sinclair/typebox";
import { uuid7 } from "#base/uuid7.ts";
import { advisories, defineTask, type Job, runCreationHooks, sql } from "#sdk";
import { reportErrors } from "./errors.ts";
import { queriesOf } from "./queries.ts";
import { reportText } from "./report-text.ts";
import { reportedVersion } from "./version.ts";

const MODULE = "pulp_service.app.tasks.vulnerability_report";
const NPM = "npm";

/** Reports what is known about the packages of a repository version (service §8.2). */
export const reportVersion = defineTask({
  name: `${MODULE}.check_repository_version`,
  label: "service",
  input: Type.Object({ version: Type.String() }),
  async run(job, { version: id }) {
    const version = await reportedVersion(job.ctx, id);
    if (!version) throw reportErrors.gone(id);
    return saveReport(job, await queriesOf(job.ctx, version), id);
  },
});

/** The same about the packages of a lock file, which the request has read. */
export const reportLockFile = defineTask({
  name: `${MODULE}.check_lock_file`,
  label: "service",
  input: Type.Object({
    packages: Type.Array(Type.Object({ name: Type.String(), version: Type.String() })),
  }),
  run(job, { packages }) {
    const queries = packages.map((one) => ({ ...one, ecosystem: NPM }));
    return saveReport(job, queries, null);
  },
});

async function saveReport(
  job: Job,
  queries: Parameters<typeof reportText>[0],
  version: string | null,
) {
  const { ctx, caller, signal } = job;
  await using shown = job.progress({
    code: "total_scanned",
    message: "Packages scanned",
    total: queries.length,
  });
  const found = await advisories.advisoriesOf(ctx, queries, {
    signal,
    onAnswered: (count) => shown.add(count),
  });
  await shown.finish();
  const text = reportText(queries, found, ctx.settings.OSV_REPORT_MAX_SIZE);
  const id = uuid7();
  await ctx.db.transaction().execute(async (trx) => {
    // The version may have gone while the database was asked; the report is about it all the same.
    await sql`
      insert into service_vuln_report (id, domain, version, vulns)
      values (${id}, ${caller.domain.num},
        (select v.id from repository_version v where v.id = ${version}::uuid for key share),
        ${text}::jsonb)`.execute(trx);
    const object = { model: "service.vulnerabilityreport", id, domain: caller.domain.num };
    await runCreationHooks(ctx, trx, { caller, viewset: "vuln_report_service", object });
    const path = `vuln_report_service/${id}/`;
    await job.created({ model: "service.VulnerabilityReport", object: id, path }, trx);
  });
  return { scanned: queries.length };
}

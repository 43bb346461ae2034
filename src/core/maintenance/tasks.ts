import { Type } from "@sinclair/typebox";
import { parsePrn } from "#base/prn.ts";
import type { StoredArtifact } from "../artifacts/types.ts";
import type { DomainRef } from "../ctx.ts";
import { defineTask, type Job, type TaskDefinition } from "../plugin-contract.ts";
import { planSweep, rememberSweep } from "./orphan-scope.ts";
import { type OrphanTotals, removeOrphans } from "./orphans.ts";
import { reclaimSpace } from "./reclaim.ts";
import { refetch } from "./refetch.ts";
import { type Fetch, type RepairOptions, repairArtifacts } from "./repair.ts";
import { artifactsOfDomain, artifactsOfVersion } from "./repair-queries.ts";
import { removeStaleTemporaryFiles, removeStaleUploads } from "./stale.ts";

/** A reference of the wire, `prn:…:<id>`, or the id itself. */
const idOf = (reference: string): string => parsePrn(reference)?.id ?? reference;

const minutes = Type.Optional(
  Type.Union([Type.Integer({ minimum: 0, maximum: 4_294_967_295 }), Type.Null()]),
);

/**
 * Removes unused units and artifacts (core-tasks-ops §13.3) of the caller's domain, or `everywhere`
 * as the schedule does. A request names `pdrn:<domain>:orphans` as exclusive resource.
 */
export const cleanUpOrphans = defineTask({
  name: "pulpcore.app.tasks.orphan.orphan_cleanup",
  label: "core",
  input: Type.Object({
    /** Units that alone are looked at: ids or PRNs. Artifacts are looked at all the same. */
    content: Type.Optional(Type.Array(Type.String())),
    /** Minutes; null and absence mean `ORPHAN_PROTECTION_TIME`. */
    protectionMinutes: minutes,
    everywhere: Type.Optional(Type.Boolean()),
  }),
  async run(job, { content, protectionMinutes, everywhere = false }) {
    const { ctx, caller } = job;
    const protectionSeconds = (protectionMinutes ?? ctx.settings.ORPHAN_PROTECTION_TIME) * 60;
    await using units = job.progress({
      code: "clean-up.content",
      message: "Clean up orphan Content",
      total: 0,
    });
    await using artifacts = job.progress({
      code: "clean-up.artifacts",
      message: "Clean up orphan Artifacts",
      total: 0,
    });
    const reports = { content: units, artifacts };
    const totals: OrphanTotals = { content: 0, artifacts: 0, skipped: 0 };
    const request = {
      protectionSeconds,
      isScheduled: everywhere,
      ...(content ? { ids: content.map(idOf) } : {}),
    };
    for (const domain of everywhere ? await allDomains(job) : [caller.domain]) {
      const plan = await planSweep(ctx, domain, request);
      await removeOrphans(job, { domain, plan, reports, totals });
      await rememberSweep(ctx, domain, plan);
    }
    await units.finish();
    await artifacts.finish();
    await reportSkipped(job, totals.skipped);
    return null;
  },
});

const allDomains = ({ ctx }: Job): Promise<readonly DomainRef[]> =>
  ctx.db.selectFrom("domain").select(["num", "id", "name"]).orderBy("num").execute();

async function reportSkipped(job: Job, skipped: number): Promise<void> {
  if (skipped === 0) return;
  await using report = job.progress({
    code: "clean-up.content.skipped",
    message: "Skip orphan Content that came into use",
    total: skipped,
  });
  report.add(skipped);
  await report.finish();
}

/** Removes uploads of every domain that are older than `UPLOAD_PROTECTION_TIME`. */
export const cleanUpUploads = defineTask({
  name: "pulpcore.app.tasks.orphan.upload_cleanup",
  label: "core",
  input: Type.Object({}),
  async run(job) {
    const limit = job.ctx.settings.UPLOAD_PROTECTION_TIME;
    if (limit === 0) return null;
    await using report = job.progress({ code: "clean-up.uploads", message: "Clean up uploads" });
    await removeStaleUploads(job, limit, report);
    await report.finish();
    return null;
  },
});

/** Removes shared temporary files of every domain, older than `TMPFILE_PROTECTION_TIME`. */
export const cleanUpTemporaryFiles = defineTask({
  name: "pulpcore.app.tasks.orphan.tmpfile_cleanup",
  label: "core",
  input: Type.Object({}),
  async run(job) {
    const limit = job.ctx.settings.TMPFILE_PROTECTION_TIME;
    if (limit === 0) return null;
    await using report = job.progress({
      code: "clean-up.tmpfiles",
      message: "Clean up shared temporary files",
    });
    await removeStaleTemporaryFiles(job, limit, report);
    await report.finish();
    return null;
  },
});

/** Drops files that can be downloaded again; a request shares the repositories. */
export const reclaimSpaceTask = defineTask({
  name: "pulpcore.app.tasks.reclaim_space.reclaim_space",
  label: "core",
  input: Type.Object({
    /** Ids or PRNs of repositories, or every one of the domain. */
    repositories: Type.Union([Type.Literal("*"), Type.Array(Type.String())]),
    /** Ids or PRNs of versions whose files stay. */
    keptVersions: Type.Optional(Type.Array(Type.String())),
    /** Also drops files that other repositories use. */
    force: Type.Optional(Type.Boolean()),
  }),
  async run(job, { repositories, keptVersions = [], force = false }) {
    await using report = job.progress({
      code: "reclaim-space.artifact",
      message: "Reclaim disk space",
      total: 0,
    });
    const { domain } = job.caller;
    const which = repositories === "*" ? {} : { repositories: repositories.map(idOf) };
    const request = { domain, ...which, keptVersions: keptVersions.map(idOf), force };
    await reclaimSpace(job, request, report);
    await report.finish();
    return null;
  },
});

const repairFields = {
  verifyChecksums: Type.Optional(Type.Boolean()),
  deleteUnrepairable: Type.Optional(Type.Boolean()),
};

/** The two repair tasks over a way to bring files back. */
export function repairTasks({ fetch }: { readonly fetch: Fetch }) {
  const repairVersion = defineTask({
    name: "pulpcore.app.tasks.repository.repair_version",
    label: "core",
    input: Type.Object({ version: Type.String(), ...repairFields }),
    run: (job, { version, ...options }) =>
      repairAll(job, artifactsOfVersion(job.ctx.db, job.caller.domain, idOf(version)), {
        fetch,
        ...options,
      }),
  });
  const repairAllArtifacts = defineTask({
    name: "pulpcore.app.tasks.repository.repair_all_artifacts",
    label: "core",
    input: Type.Object(repairFields),
    run: (job, options) =>
      repairAll(job, artifactsOfDomain(job.ctx.db, job.caller.domain), { fetch, ...options }),
  });
  return { repairVersion, repairAllArtifacts };
}

async function repairAll(
  job: Job,
  batches: AsyncIterable<StoredArtifact[]>,
  {
    fetch,
    verifyChecksums = true,
    deleteUnrepairable = false,
  }: Partial<RepairOptions> & { fetch: Fetch },
): Promise<null> {
  await using missing = job.progress({ code: "repair.missing", message: "Identify missing units" });
  await using corrupted = job.progress({
    code: "repair.corrupted",
    message: "Identify corrupted units",
  });
  await using repaired = job.progress({
    code: "repair.repaired",
    message: "Repair corrupted units",
    total: 0,
  });
  const repair = {
    domain: job.caller.domain,
    options: { verifyChecksums, deleteUnrepairable },
    reports: { missing, corrupted, repaired },
    fetch,
  };
  let broken = 0;
  for await (const artifacts of batches) {
    broken += (await repairArtifacts(job, repair, artifacts)).broken;
    repaired.setTotal(broken);
  }
  await missing.finish();
  await corrupted.finish();
  await repaired.finish();
  return null;
}

export const { repairVersion, repairAllArtifacts } = repairTasks({ fetch: refetch });

export const maintenanceTasks: readonly TaskDefinition[] = [
  cleanUpOrphans,
  cleanUpUploads,
  cleanUpTemporaryFiles,
  reclaimSpaceTask,
  repairVersion,
  repairAllArtifacts,
];

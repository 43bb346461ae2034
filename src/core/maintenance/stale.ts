import { sql } from "kysely";
import { crashPoint } from "#base/crash-points.ts";
import { announceRemovals, sweepObjects } from "../artifacts/commands.ts";
import type { Ctx, DomainRef } from "../ctx.ts";
import type { Job, Progress } from "../plugin-contract.ts";
import { inTransaction } from "../transaction.ts";
import { deleteUpload, uploadErrors } from "../uploads/commands.ts";

const BATCH = 500;

interface StaleRow {
  readonly id: string;
  readonly num: number;
  readonly domainId: string;
  readonly name: string;
}

/** Removes uploads of every domain that were begun so long ago. */
export async function removeStaleUploads(
  job: Job,
  minutes: number,
  report: Progress,
): Promise<void> {
  await removeStale(job, { table: "upload", minutes, report }, async (domain, id) => {
    try {
      await deleteUpload(job.ctx, domain, id);
    } catch (error) {
      if (!uploadErrors.notFound.is(error)) throw error;
    }
  });
}

/** Removes shared temporary files of every domain that were made so long ago. */
export function removeStaleTemporaryFiles(
  job: Job,
  minutes: number,
  report: Progress,
): Promise<void> {
  const request = { table: "temporary_file", minutes, report } as const;
  return removeStale(job, request, (domain, id) => removeTemporaryFile(job.ctx, domain, id));
}

async function removeTemporaryFile(ctx: Ctx, domain: DomainRef, id: string): Promise<void> {
  const objects = await inTransaction(ctx, undefined, async (trx) => {
    const rows = await trx
      .deleteFrom("temporary_file")
      .where("domain", "=", domain.num)
      .where("id", "=", id)
      .returning("file")
      .execute();
    const files = rows.map(({ file }) => file);
    await announceRemovals(trx, domain, files);
    return files;
  });
  crashPoint("temporary-file.deleted");
  await sweepObjects(ctx, domain, objects);
}

interface StaleRequest {
  readonly table: "upload" | "temporary_file";
  readonly minutes: number;
  readonly report: Progress;
}

async function removeStale(
  job: Job,
  { table, minutes, report }: StaleRequest,
  remove: (domain: DomainRef, id: string) => Promise<void>,
): Promise<void> {
  let total = 0;
  for (;;) {
    const { rows } = await sql<StaleRow>`
      select s.id, d.num, d.id as "domainId", d.name
      from ${sql.table(table)} s join domain d on d.num = s.domain
      where s.created < clock_timestamp() - make_interval(mins => ${minutes})
      order by s.id limit ${BATCH}`.execute(job.ctx.db);
    total += rows.length;
    report.setTotal(total);
    for (const { id, num, domainId, name } of rows) {
      job.signal.throwIfAborted();
      await remove({ num, id: domainId, name }, id);
      report.add();
    }
    if (rows.length < BATCH) return;
  }
}

import type { JsonObject } from "#base/json.ts";
import { uuid7 } from "#base/uuid7.ts";
import { advisories, type Ctx, sql, tenancy } from "#sdk";

export interface YankReport {
  readonly repository_name: string;
  /** `{"name==version": {"yanked_reason": …}}` */
  readonly report: JsonObject;
  /** `{"name": reason}` */
  readonly errors: JsonObject;
}

/**
 * Adds a report, says when the monitor looked last, and removes all but the newest reports.
 *
 * @returns false if the monitor has gone meanwhile.
 */
export const saveReport = (
  ctx: Ctx,
  monitor: string,
  { report, kept }: { readonly report: YankReport; readonly kept: number },
): Promise<boolean> =>
  tenancy.inTransaction(ctx, undefined, async (trx) => {
    const { rows } = await sql`
      update service_yank_monitor set last_checked = clock_timestamp(), updated = clock_timestamp()
      where id = ${monitor} returning id`.execute(trx);
    if (rows.length === 0) return false;
    await sql`
      insert into service_yank_report (id, monitor, repository_name, report, errors)
      values (${uuid7()}, ${monitor}, ${report.repository_name}, ${advisories.storedJson(report.report)},
        ${advisories.storedJson(report.errors)})`.execute(trx);
    await sql`
      delete from service_yank_report where id in (
        select id from service_yank_report where monitor = ${monitor}
        order by created desc, id desc offset ${kept})`.execute(trx);
    return true;
  });

export interface StoredReport extends YankReport {
  readonly pulp_created: string;
  readonly pulp_last_updated: string;
}

const newest = {
  name: "newest report of a yank monitor",
  text: `select created as pulp_created, updated as pulp_last_updated, report, errors, repository_name
    from service_yank_report where monitor = $1 order by created desc, id desc limit 1`,
};

/** The newest report of a monitor. */
export async function newestReport(
  { hot }: Pick<Ctx, "hot">,
  monitor: string,
): Promise<StoredReport | undefined> {
  const [row] = await hot.query<StoredReport>(newest, [monitor]);
  return row;
}

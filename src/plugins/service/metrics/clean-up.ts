import { Type } from "@sinclair/typebox";
import { type Ctx, defineTask, sql } from "#sdk";
import { serviceSettingsOf } from "../settings.ts";

const MODULE = "pulp_service.app.tasks.download_metrics";
const DAY_MINUTES = 1440;
/** Rows of one statement, so that none holds its locks for long. */
const BATCH = 10_000;

const TABLES = [
  { table: "service_package_download", time: "hour" },
  { table: "service_request_activity", time: "day" },
  { table: "service_storage_sample", time: "day" },
] as const;

/** Removes counts that are older than `DOWNLOAD_METRICS_RETENTION_DAYS` (service §9.4). */
export const cleanUpMetrics = defineTask({
  name: `${MODULE}.clean_up_metrics`,
  label: "service",
  input: Type.Object({}),
  async run({ ctx, signal }) {
    let removed = 0;
    for (const one of TABLES) {
      for (let count = BATCH; count === BATCH; ) {
        signal.throwIfAborted();
        count = await removeOld(ctx, one);
        removed += count;
      }
    }
    return { removed };
  },
});

async function removeOld(ctx: Ctx, { table, time }: (typeof TABLES)[number]): Promise<number> {
  const { DOWNLOAD_METRICS_RETENTION_DAYS: days } = serviceSettingsOf(ctx);
  const end = new Date(ctx.clock.now() - days * 86_400_000).toISOString();
  const { numAffectedRows = 0n } = await sql`
    delete from ${sql.table(table)} where ctid = any(array(
      select ctid from ${sql.table(table)} where ${sql.ref(time)} < ${end}::timestamptz
      limit ${BATCH}))`.execute(ctx.db);
  return Number(numAffectedRows);
}

/** Writes down what the artifacts of each domain take today. */
export const sampleStorage = defineTask({
  name: `${MODULE}.sample_storage`,
  label: "service",
  input: Type.Object({}),
  async run({ ctx }) {
    const day = new Date(ctx.clock.now()).toISOString().slice(0, 10);
    await sql`
      insert into service_storage_sample (domain, day, bytes, artifacts)
      select d.num, ${day}::date, coalesce(sum(a.size), 0), count(a.id)
      from domain d left join artifact a on a.domain = d.num group by d.num
      on conflict (domain, day) do update set bytes = excluded.bytes, artifacts = excluded.artifacts`.execute(
      ctx.db,
    );
    return null;
  },
});

/** Both once a day (service §19). */
export const metricsSchedules = [
  {
    name: "Remove old download metrics periodically",
    taskName: cleanUpMetrics.name,
    input: {},
    minutes: DAY_MINUTES,
  },
  {
    name: "Sample the storage of domains periodically",
    taskName: sampleStorage.name,
    input: {},
    minutes: DAY_MINUTES,
  },
] as const;

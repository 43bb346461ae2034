import { sql } from "kysely";
import type { Ctx, DomainRef, Trx } from "../ctx.ts";
import { removeAllUnused } from "../maintenance/commands.ts";
import type { Job } from "../plugin-contract.ts";
import { cancelTask } from "../tasks/commands.ts";
import { inTransaction } from "../transaction.ts";
import { domainErrors } from "./errors.ts";

/** What keeps a domain, as the refusal calls it. Versions and publications go with repositories. */
const PROTECTED = [
  ["repository", "repositories"],
  ["remote", "remotes"],
  ["distribution", "distributions"],
  ["content_guard", "content guards"],
  ["alternate_content_source", "alternate content sources"],
  ["upload", "uploads"],
] as const;

/** What the removal of the rows above leaves, and nobody can add any more. */
const LEFTOVERS = ["content", "artifact"] as const;

const GONE = "The domain was deleted.";

/**
 * Deletes a domain with its unused units, its artifacts and their files, and the history of its
 * tasks (core-content §1.5). Breaking off leaves a domain that can be deleted again.
 *
 * @throws `domainErrors.hasContent`, `domainErrors.inUse`; the domain then stays as it is.
 */
export async function deleteDomain(
  { ctx, signal }: Pick<Job, "ctx" | "signal">,
  domain: DomainRef,
): Promise<void> {
  await refuseUsed(ctx, domain);
  await removeAllUnused({ ctx, signal }, domain);
  await cancelTasks(ctx, domain);
  await inTransaction(ctx, undefined, (trx) => removeRow(ctx, trx, domain));
}

async function refuseUsed(ctx: Ctx, domain: DomainRef): Promise<void> {
  const { rows } = await sql`
    select from membership where domain = ${domain.num} limit 1`.execute(ctx.db);
  if (rows.length > 0) throw domainErrors.hasContent();
  const counts = PROTECTED.map(
    ([table, name]) =>
      sql`select ${name} as name, count(*)::int as n from ${sql.table(table)} where domain = ${domain.num}`,
  );
  await refuseCounted(ctx.db, sql.join(counts, sql` union all `));
}

type Counts = ReturnType<typeof sql>;

async function refuseCounted(db: Ctx["db"] | Trx, counts: Counts): Promise<void> {
  const { rows } = await sql<{ name: string; n: number }>`
    select name, n from (${counts}) counted where n > 0`.execute(db);
  if (rows.length === 0) return;
  throw domainErrors.inUse(rows.map(({ name, n }) => `${n} ${name}`).join(", "));
}

/** Tasks that wait for us, since they share the domain. */
async function cancelTasks(ctx: Ctx, domain: DomainRef): Promise<void> {
  const { rows } = await sql<{ task: string }>`
    select task from task_queue where domain = ${domain.num} order by seq desc`.execute(ctx.db);
  for (const { task } of rows) await cancelTask(ctx, task, GONE);
}

/** The lock lets nobody add anything; what came just before it is seen and keeps the domain. */
async function removeRow(ctx: Ctx, trx: Trx, domain: DomainRef): Promise<void> {
  await sql`select from domain where num = ${domain.num} for update`.execute(trx);
  const tables = [...PROTECTED, ...LEFTOVERS.map((table) => [table, table] as const)];
  const counts = [...tables, ["task_queue", "tasks"] as const].map(
    ([table, name]) =>
      sql`select ${name} as name, count(*)::int as n from ${sql.table(table)} where domain = ${domain.num}`,
  );
  await refuseCounted(trx, sql.join(counts, sql` union all `));
  await removeFiles(ctx, trx, domain);
  for (const table of ["content_count", "orphan_candidate", "role_assignment"] as const)
    await sql`delete from ${sql.table(table)} where domain = ${domain.num}`.execute(trx);
  await sql`delete from temporary_file where domain = ${domain.num}`.execute(trx);
  await sql`delete from system_setting where name = ${`orphan_sweep:${domain.id}`}`.execute(trx);
  await sql`delete from domain where num = ${domain.num}`.execute(trx);
}

/** Files whose rows are gone already; afterwards nobody knows where they lie. */
async function removeFiles(ctx: Ctx, trx: Trx, domain: DomainRef): Promise<void> {
  const { rows } = await sql<{ object: string }>`
    with intent as (delete from storage_intent where domain = ${domain.num} returning object)
    select object from intent
    union select file from temporary_file where domain = ${domain.num}`.execute(trx);
  const store = ctx.storage(domain);
  for (const { object } of rows) await store.remove(object);
}

import { sql } from "kysely";
import { Batcher } from "#base/batcher.ts";
import type { JsonObject } from "#base/json.ts";
import { PREPARE } from "#base/prepare.ts";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx } from "../ctx.ts";
import type { AuditEntry, AuditTrail } from "./types.ts";

/** Entries of one INSERT; more wait for the next. */
const MOST_AT_ONCE = 200;
/** Longest text of a column; hrefs and names are far shorter. */
const MOST_CHARACTERS = 2048;
const MOST_REMOVED_AT_ONCE = 10_000;

const HEAD = `
  insert into audit_entry (id, domain, user_id, username, authenticated_by, operation, method,
    object_path, object_prn, cid, client, outcome, status, task, task_group)
  select id, domain, user_id, username, authenticated_by, operation, method,
    object_path, object_prn, cid, client, outcome, status, task, task_group
  from jsonb_to_recordset(`;
const TAIL = `::jsonb) as x(id uuid, domain text, user_id int, username text,
    authenticated_by text, operation text, method text, object_path text, object_prn text,
    cid text, client text, outcome text, status smallint, task uuid, task_group uuid)`;

const INSERT = { name: "audit insert", text: `${HEAD}$1${TAIL}` };

/**
 * The trail of one process: one prepared INSERT per entry, and one for all that arrive while an
 * INSERT is under way, so that a busy process commits rarely and an idle one waits for nobody.
 */
export function createAuditTrail(ctx: Pick<Ctx, "hot">): AuditTrail {
  const batcher = new Batcher<JsonObject, void>(
    async (rows) => {
      await ctx.hot.query(INSERT, [JSON.stringify(rows)]);
      return [];
    },
    { most: MOST_AT_ONCE },
  );
  return {
    record: (entry) => batcher.add(rowOf(entry)),
    statements: (entries) =>
      entries.length === 0
        ? []
        : [sql`${sql.raw(PREPARE + HEAD)}${JSON.stringify(entries.map(rowOf))}${sql.raw(TAIL)}`],
  };
}

const rowOf = (entry: AuditEntry): JsonObject => ({
  id: uuid7(),
  domain: entry.domain,
  user_id: entry.user?.id ?? null,
  username: entry.user?.username ?? null,
  authenticated_by: entry.authenticatedBy,
  operation: entry.operation,
  method: entry.method,
  object_path: storable(entry.objectPath),
  object_prn: entry.objectPrn === null ? null : storable(entry.objectPrn),
  cid: storable(entry.correlationId),
  client: storable(entry.client),
  outcome: entry.outcome,
  status: entry.status,
  task: entry.task,
  task_group: entry.taskGroup,
});

/** A client's text must not spoil the INSERT that carries the entries of others. */
const storable = (text: string): string =>
  text.slice(0, MOST_CHARACTERS).replaceAll("\0", "").toWellFormed();

/**
 * Removes entries that are older, and what is known of tasks that no entry names any more; the one
 * way past the trigger that refuses changes. Ends after the current slice when the signal aborts.
 *
 * @returns how many entries went.
 */
export async function removeExpiredEntries(
  ctx: Ctx,
  { days, signal }: { readonly days: number; readonly signal: AbortSignal },
): Promise<number> {
  let removed = 0;
  for (;;) {
    signal.throwIfAborted();
    const slice = await removeSlice(ctx, days);
    removed += slice;
    if (slice < MOST_REMOVED_AT_ONCE) return removed;
  }
}

/** Entries and the ends of their tasks go together, each slice in a transaction of its own. */
const removeSlice = (ctx: Ctx, days: number): Promise<number> =>
  ctx.db.transaction().execute(async (trx) => {
    await sql`set local deckle.audit_retention = 'on'`.execute(trx);
    const { numAffectedRows = 0n } = await sql`
      with old as (select id from audit_entry
        where created < clock_timestamp() - make_interval(days => ${days})
        order by created, id limit ${MOST_REMOVED_AT_ONCE})
      delete from audit_entry e using old where e.id = old.id`.execute(trx);
    await sql`
      delete from audit_task_end z
      where z.created < clock_timestamp() - make_interval(days => ${days})
        and not exists (select from audit_entry e where e.task = z.task)`.execute(trx);
    await sql`
      delete from audit_task_object z
      where z.created < clock_timestamp() - make_interval(days => ${days})
        and not exists (select from audit_entry e where e.task = z.task)`.execute(trx);
    return Number(numAffectedRows);
  });

import { sql } from "kysely";
import { crashPoint } from "#base/crash-points.ts";
import { mapBounded } from "#base/parallel.ts";
import type { Ctx, DomainRef, Trx } from "../ctx.ts";
import { distinctStores } from "../domains/queries.ts";
import { objectOwner } from "./rules.ts";

/** Intents of one transaction, and transactions of one `sweep`. */
const BATCH = 200;
const ROUNDS = 5;
const PARALLEL = 8;
/** How long an intent rests whose object could not be removed. */
const RETRY_SECONDS = 600;
/** A folder that was written to more recently may belong to a process without a record. */
const IDLE_MS = 60_000;

/** What every beat does: a bounded number of due intents, and the folders of dead processes. */
export async function sweep(ctx: Ctx): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    if ((await sweepStorageIntents(ctx, BATCH)) < BATCH) break;
  }
  await sweepIncoming(ctx);
}

/**
 * Settles due intents: an object that a row needs stays, every other one is removed
 * (data-model §12).
 *
 * @returns how many intents were looked at.
 */
export function sweepStorageIntents(ctx: Ctx, limit: number): Promise<number> {
  return settle(ctx, sql`not_before <= clock_timestamp() order by not_before limit ${limit}`);
}

/** The same at once for objects whose rows have just been deleted. */
export async function sweepObjects(
  ctx: Ctx,
  domain: DomainRef,
  objects: readonly string[],
): Promise<void> {
  for (let start = 0; start < objects.length; start += BATCH) {
    const some = objects.slice(start, start + BATCH);
    await settle(
      ctx,
      sql`domain = ${domain.num} and object = any(${some}::text[]) and not_before <= clock_timestamp()`,
    );
  }
}

interface Due {
  readonly num: number;
  readonly object: string;
  /** Null when the domain is gone, and its store with it. */
  readonly id: string | null;
  readonly name: string | null;
}

type Condition = ReturnType<typeof sql>;

async function settle(ctx: Ctx, condition: Condition): Promise<number> {
  // Most beats find nothing: that is one statement and no transaction.
  const { rows } = await sql`select from storage_intent where ${condition}`.execute(ctx.db);
  if (rows.length === 0) return 0;
  return ctx.db.transaction().execute(async (trx) => {
    const due = await lockDue(trx, condition);
    const needed = await neededObjects(ctx, trx, due);
    const unneeded = due.filter((one) => !needed.has(keyOf(one)));
    const failed = await removeObjects(ctx, unneeded);
    await forget(
      trx,
      due.filter((one) => !failed.has(one)),
    );
    await postpone(trx, [...failed]);
    return due.length;
  });
}

/** A store that is about to finish waits here, and then finds its announcement gone. */
async function lockDue(trx: Trx, condition: Condition): Promise<readonly Due[]> {
  const { rows } = await sql<Due>`
    select i.domain as num, i.object, d.id, d.name
    from (select domain, object from storage_intent where ${condition} for update skip locked) i
    left join domain d on d.num = i.domain`.execute(trx);
  return rows;
}

const keyOf = ({ num, object }: Pick<Due, "num" | "object">): string => `${num} ${object}`;

/**
 * A statement of its own, so that it sees every row that was there when the intents were locked. Rows that
 * need their objects stay until the intents are gone: whoever removed one before took the intent for its
 * own.
 */
async function neededObjects(ctx: Ctx, trx: Trx, due: readonly Due[]): Promise<Set<string>> {
  const owners = due.map(({ id, name, object }) =>
    objectOwner({ id: id ?? "", name: name ?? "" }, object, ctx.settings.CHUNKED_UPLOAD_DIR),
  );
  const sha256 = owners.map((o) => (o.kind === "artifact" ? Buffer.from(o.sha256, "hex") : null));
  const chunks = owners.map((o) => (o.kind === "chunk" ? o.id : null));
  const temporary = owners.map((o) => (o.kind === "temporary" ? o.id : null));
  const { rows } = await sql<{ num: number; object: string }>`
    select w.num, w.object
    from unnest(${due.map(({ num }) => num)}::int[], ${due.map(({ object }) => object)}::text[],
      ${sha256}::bytea[], ${chunks}::uuid[], ${temporary}::uuid[])
      as w (num, object, sha256, chunk, temporary)
    left join lateral (
      select true as yes from artifact where domain = w.num and sha256 = w.sha256
        and (file is null or file = w.object)
      offset 0 for key share) a on true
    where a.yes
      or exists (select from upload_chunk c where c.id = w.chunk)
      or exists (select from temporary_file f where f.id = w.temporary)
      or (${hasLegacyNames(owners)} and exists (
        select from artifact a where a.domain = w.num and a.file = w.object))`.execute(trx);
  return new Set(rows.map(keyOf));
}

/** Names of their own have no index; rows that carry one came from another system. */
const hasLegacyNames = (owners: readonly { readonly kind: string }[]): boolean =>
  owners.some(({ kind }) => kind === "other");

/** @returns those that could not be removed. */
async function removeObjects(ctx: Ctx, due: readonly Due[]): Promise<Set<Due>> {
  const failed = new Set<Due>();
  await mapBounded(due, PARALLEL, async (one) => {
    const { num, id, name, object } = one;
    if (id === null || name === null) return;
    try {
      await ctx.storage({ num, id, name }).remove(object);
    } catch (error) {
      failed.add(one);
      ctx.log.error(`Removing ${object} of domain ${name} failed: ${String(error)}`);
    }
    crashPoint("sweep.removed");
  });
  return failed;
}

async function forget(trx: Trx, due: readonly Due[]): Promise<void> {
  if (due.length === 0) return;
  await sql`
    delete from storage_intent i
    using unnest(${due.map(({ num }) => num)}::int[], ${due.map(({ object }) => object)}::text[])
      as w (num, object)
    where i.domain = w.num and i.object = w.object`.execute(trx);
}

async function postpone(trx: Trx, due: readonly Due[]): Promise<void> {
  if (due.length === 0) return;
  await sql`
    update storage_intent i
    set not_before = clock_timestamp() + make_interval(secs => ${RETRY_SECONDS})
    from unnest(${due.map(({ num }) => num)}::int[], ${due.map(({ object }) => object)}::text[])
      as w (num, object)
    where i.domain = w.num and i.object = w.object`.execute(trx);
}

/** Removes what processes left behind whose records are gone (core-content §2.2). */
export async function sweepIncoming(ctx: Ctx): Promise<void> {
  for (const store of await distinctStores(ctx)) {
    const others = (await store.incoming.list()).filter((id) => id !== ctx.process.id);
    if (others.length === 0) continue;
    const { rows } = await sql<{ id: string }>`
      select id from app_process where id = any(${others}::uuid[])`.execute(ctx.db);
    const alive = new Set(rows.map(({ id }) => id));
    for (const id of others.filter((one) => !alive.has(one))) {
      const idleMs = ctx.clock.now() - (await store.incoming.lastWrite(id));
      if (idleMs >= IDLE_MS) await store.incoming.remove(id);
    }
  }
}

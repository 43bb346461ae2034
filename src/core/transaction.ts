import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { databaseFault } from "./constraints.ts";
import { contentErrors } from "./content/errors.ts";
import type { Ctx, Trx } from "./ctx.ts";
import { keepReported, tellReported } from "./events/commands.ts";

/** Serialization failure and deadlock: the same work succeeds when it is done again. */
const CONFLICTS: ReadonlySet<string> = new Set(["40001", "40P01"]);
const ATTEMPTS = 6;
const PAUSE_MS = 20;

/** A transaction that lost against another one; units that a clean-up took meanwhile are one, too. */
function isConflict(error: unknown): boolean {
  const code = databaseFault(error)?.code;
  return (code !== undefined && CONFLICTS.has(code)) || contentErrors.vanished.is(error);
}

/** Repeats work that lost against a concurrent transaction; the last conflict is thrown. */
export async function retryOnConflict<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isConflict(error) || attempt === ATTEMPTS) throw error;
      // Random, so that two losers do not meet again.
      await sleep(PAUSE_MS * attempt * (0.5 + Math.random()));
    }
  }
}

/**
 * Joins the caller's transaction, or makes one of its own and repeats it on conflict. What was reported
 * inside is told after the commit.
 */
export function inTransaction<Result>(
  ctx: Ctx,
  trx: Trx | undefined,
  work: (trx: Trx) => Promise<Result>,
): Promise<Result> {
  if (trx) return work(trx);
  return retryOnConflict(async () => {
    let own: Trx | undefined;
    const result = await ctx.db.transaction().execute(async (begun) => {
      own = begun;
      const done = await work(begun);
      await keepReported(ctx, begun);
      return done;
    });
    tellReported(ctx, own);
    return result;
  });
}

/** Undefined when a foreign key forbids the work, which is then undone; the transaction goes on. */
export async function whereAllowed<Result>(
  trx: Trx,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  await sql`savepoint allowed`.execute(trx);
  try {
    const result = await work();
    await sql`release savepoint allowed`.execute(trx);
    return result;
  } catch (error) {
    if (databaseFault(error)?.code !== "23503") throw error;
    await sql`rollback to savepoint allowed`.execute(trx);
    return undefined;
  }
}

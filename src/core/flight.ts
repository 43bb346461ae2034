import { type RawBuilder, sql } from "kysely";
import type { Ctx } from "./ctx.ts";
import { isRefusal } from "./together.ts";

/**
 * Runs statements in one transaction that waits for no answer in between: for short writes whose rows
 * have ids of ours, so that none needs what another one finds. Whatever is not as it was expected has
 * to fail by itself, at a constraint or at `checked`: then nothing was done.
 *
 * @returns rows by statement, in their order.
 */
export function inOneFlight(
  { db, hot }: Pick<Ctx, "db" | "hot">,
  statements: readonly RawBuilder<unknown>[],
): Promise<readonly (readonly unknown[])[]> {
  return hot.inOneFlight(
    statements.map((statement) => {
      const { sql: text, parameters: values } = statement.compile(db);
      return { text, values };
    }),
  );
}

/**
 * The same where it may be refused, as when somebody else was faster.
 *
 * @returns undefined if it was, and nothing was done.
 */
export async function attemptInOneFlight(
  ctx: Pick<Ctx, "db" | "hot">,
  statements: readonly RawBuilder<unknown>[],
): Promise<readonly (readonly unknown[])[] | undefined> {
  try {
    return await inOneFlight(ctx, statements);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return undefined;
  }
}

/** A column that fails, with `division_by_zero` (22012), unless the condition holds. */
export const checked = (condition: RawBuilder<boolean>): RawBuilder<number> =>
  sql<number>`1 / case when ${condition} then 1 else 0 end`;

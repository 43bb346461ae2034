import { type RawBuilder, sql } from "kysely";
import type { FlightStatement } from "#platform/db/hot.ts";
import type { Ctx } from "./ctx.ts";
import { isRefusal, together } from "./together.ts";

type Statements = readonly RawBuilder<unknown>[];
type Rows = readonly (readonly unknown[])[];

/**
 * Runs statements in one transaction that waits for no answer in between: for short writes whose rows
 * have ids of ours, so that none needs what another one finds. Whatever is not as it was expected has
 * to fail by itself, at a constraint or at `checked`: then nothing was done.
 *
 * @returns rows by statement, in their order.
 */
export const inOneFlight = (ctx: Pick<Ctx, "db" | "hot">, statements: Statements): Promise<Rows> =>
  ctx.hot.inOneFlight(compiled(ctx, statements));

/**
 * The same where it may be refused, as when somebody else was faster. Attempts that come at the same time
 * share a transaction, whatever they are about; if that is refused, each has one of its own.
 *
 * @returns undefined if it was, and nothing was done.
 */
export async function attemptInOneFlight(
  ctx: Ctx,
  statements: Statements,
): Promise<Rows | undefined> {
  try {
    return await attemptTogether(ctx, compiled(ctx, statements));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return undefined;
  }
}

const compiled = ({ db }: Pick<Ctx, "db">, statements: Statements): readonly FlightStatement[] =>
  statements.map((statement) => {
    const { sql: text, parameters: values } = statement.compile(db);
    return { text, values };
  });

const attemptTogether = together<readonly FlightStatement[], Rows>(async ({ hot }, attempts) => {
  // In one order, so that two processes never wait for each other in a circle.
  const order = [...attempts.keys()].sort((a, b) =>
    beginningOf(attempts[a]) < beginningOf(attempts[b]) ? -1 : 1,
  );
  const rows = await hot.inOneFlight(order.flatMap((index) => attempts[index] ?? []));
  const parts = new Map<number, Rows>();
  let at = 0;
  for (const index of order) {
    const end = at + (attempts[index]?.length ?? 0);
    parts.set(index, rows.slice(at, end));
    at = end;
  }
  return attempts.map((_, index) => parts.get(index) ?? []);
});

const beginningOf = (statements: readonly FlightStatement[] | undefined): string =>
  statements?.[0]?.text ?? "";

/** A column that fails, with `division_by_zero` (22012), unless the condition holds. */
export const checked = (condition: RawBuilder<boolean>): RawBuilder<number> =>
  sql<number>`1 / case when ${condition} then 1 else 0 end`;

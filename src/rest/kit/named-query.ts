import { createHash } from "node:crypto";
import type { RawBuilder } from "kysely";
import type { Ctx } from "#core/ctx.ts";

/** Statements that one process keeps prepared; every connection holds a plan of each. */
const MOST_NAMED = 200;
/** A text has to come this often before it is worth a name. */
const USES_BEFORE_NAME = 3;

const uses = new Map<string, number>();
const names = new Map<string, string>();

/**
 * Runs a query whose text comes again and again as a prepared statement: planning a list's joins
 * costs more than reading its page. Values that a plan depends on (limits) belong into the text.
 */
export async function runNamed<Row>(ctx: Ctx, query: RawBuilder<Row>): Promise<readonly Row[]> {
  const { sql: text, parameters } = query.compile(ctx.db);
  const name = nameOf(text);
  if (name === undefined) return (await query.execute(ctx.db)).rows;
  return ctx.hot.query<Row>({ name, text }, parameters);
}

function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined) return known;
  const count = (uses.get(text) ?? 0) + 1;
  if (uses.size > 10 * MOST_NAMED) uses.clear();
  uses.set(text, count);
  if (count < USES_BEFORE_NAME || names.size >= MOST_NAMED) return undefined;
  uses.delete(text);
  const name = `list ${createHash("sha256").update(text).digest("hex").slice(0, 24)}`;
  names.set(text, name);
  return name;
}

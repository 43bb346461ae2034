import { type RawBuilder, sql } from "kysely";
import { PREPARE } from "#base/prepare.ts";

/** Rows of what a request does; more are the work of tasks, whose plans suit their size. */
const FEW = 100;

const marked = sql.raw(PREPARE);
const unmarked = sql``;

/** Begins a statement that is prepared where it is about few rows (`PREPARE`). */
export const prepared = (rows: number): RawBuilder<unknown> => (rows <= FEW ? marked : unmarked);

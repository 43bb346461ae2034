import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { attemptInOneFlight, checked } from "#core/flight.ts";
import { createContext } from "../support/context.ts";

test("attempts that come together share a transaction, and each has its own rows", async (t) => {
  const texts: string[] = [];
  const { ctx } = await createContext(t, { onStatement: (text) => texts.push(text) });
  const xact = sql<{ xact: string }>`select pg_current_xact_id()::text as xact`;
  texts.length = 0;

  const [first, second] = await Promise.all([
    attemptInOneFlight(ctx, [sql`select 'b' as own`, xact]),
    attemptInOneFlight(ctx, [xact, sql`select 'a' as own`, sql`select 2 as n`]),
  ]);

  assert.deepEqual(first?.[0], [{ own: "b" }]);
  assert.deepEqual(second?.slice(1), [[{ own: "a" }], [{ n: 2 }]]);
  assert.deepEqual(first?.[1], second?.[0]);
  assert.equal(texts.filter((text) => text === "commit").length, 1);
});

test("of attempts that come together a refused one is refused alone", async (t) => {
  const { ctx } = await createContext(t);
  await sql`create table kept (n int)`.execute(ctx.db);
  const keep = (n: number, isRight: boolean) =>
    attemptInOneFlight(ctx, [
      sql`insert into kept values (${n}::int)`,
      sql`select ${checked(sql<boolean>`${isRight}::boolean`)}`,
    ]);

  const done = await Promise.all([keep(1, true), keep(2, false), keep(3, true)]);

  assert.deepEqual(
    done.map((rows) => rows !== undefined),
    [true, false, true],
  );
  const { rows } = await sql<{ n: number }>`select n from kept order by n`.execute(ctx.db);
  assert.deepEqual(rows, [{ n: 1 }, { n: 3 }]);
});

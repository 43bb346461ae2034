import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { PREPARE } from "#base/prepare.ts";
import { createContext } from "../../support/context.ts";

test("a marked statement is prepared once for a connection, another one is not", async (t) => {
  const { ctx } = await createContext(t);

  const { sums, names } = await ctx.db.transaction().execute(async (trx) => {
    const found: number[] = [];
    for (const [a, b] of [
      [1, 2],
      [3, 4],
    ]) {
      const { rows } = await sql<{ sum: number }>`${sql.raw(PREPARE)}
        select ${a}::int + ${b}::int as sum`.execute(trx);
      found.push(rows[0]?.sum ?? 0);
      await sql`select ${a}::int - ${b}::int`.execute(trx);
    }
    const { rows } = await sql<{ name: string; n: number }>`
      select name, (generic_plans + custom_plans)::int as n from pg_prepared_statements
      where statement like '%as sum%'`.execute(trx);
    return { sums: found, names: rows };
  });

  assert.deepEqual(sums, [3, 7]);
  assert.equal(names.length, 1);
  assert.match(names[0]?.name ?? "", /^marked [0-9a-f]{32}$/);
  assert.equal(names[0]?.n, 2);
});

test("a statement that fails once can be prepared again", async (t) => {
  const { ctx } = await createContext(t);
  const asked = () =>
    sql<{ x: number }>`${sql.raw(PREPARE)} select x from appears_later`.execute(ctx.db);

  await assert.rejects(asked(), { code: "42P01" });
  await sql`create table appears_later (x int)`.execute(ctx.db);

  assert.deepEqual((await asked()).rows, []);
});

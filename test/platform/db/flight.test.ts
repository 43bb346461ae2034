import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { sql } from "kysely";
import { PREPARE } from "#base/prepare.ts";
import { checked, inOneFlight } from "#core/flight.ts";
import { createContext } from "../../support/context.ts";

async function createWorld(t: TestContext) {
  const { ctx } = await createContext(t);
  await sql`create table thing (id int primary key, note text, data bytea)`.execute(ctx.db);
  const add = (id: number, note = "") =>
    sql`${sql.raw(PREPARE)} insert into thing (id, note) values (${id}, ${note})`;
  const ids = async () => {
    const { rows } = await sql<{ id: number }>`select id from thing order by id`.execute(ctx.db);
    return rows.map(({ id }) => id);
  };
  return { ctx, add, ids };
}

test("each statement of a flight sees what those before it did, and has its own rows", async (t) => {
  const { ctx, add } = await createWorld(t);

  const rows = await inOneFlight(ctx, [
    add(1, "one"),
    sql`select id, note from thing`,
    add(2, "two"),
    sql`select count(*)::int as n from thing`,
  ]);

  assert.deepEqual(rows, [[], [{ id: 1, note: "one" }], [], [{ n: 2 }]]);
});

test("values arrive as they are, in lists, too", async (t) => {
  const { ctx } = await createWorld(t);
  const texts = ['a"b', "c\\d", "{e,f}", "", null, "NULL", " g\n"];
  const bytes = Buffer.from([0, 255, 92, 34]);

  const [[row] = []] = await inOneFlight(ctx, [
    sql`select ${texts}::text[] as texts, ${[bytes, null]}::bytea[] as list, ${bytes}::bytea as bytes,
      ${null}::int as nothing, ${[1, 2]}::int[] as numbers, ${[true, false]}::boolean[] as flags,
      ${[]}::uuid[] as none, 9007199254740991::bigint as big`,
  ]);

  assert.deepEqual(row, {
    ...{ texts, list: [bytes, null], bytes, nothing: null, numbers: [1, 2] },
    ...{ flags: [true, false], none: [], big: 9007199254740991 },
  });
});

test("a flight that fails has done nothing, and its connection goes on", async (t) => {
  const { ctx, add, ids } = await createWorld(t);
  await inOneFlight(ctx, [add(1)]);

  await assert.rejects(inOneFlight(ctx, [add(2), add(1), add(3)]), { code: "23505" });
  await assert.rejects(inOneFlight(ctx, [add(2), sql`select ${checked(sql<boolean>`false`)}`]), {
    code: "22012",
  });
  await assert.rejects(inOneFlight(ctx, [add(2), sql`select * from nowhere`]), { code: "42P01" });

  assert.deepEqual(await ids(), [1]);
  await inOneFlight(ctx, [add(2), add(3)]);
  assert.deepEqual(await ids(), [1, 2, 3]);
});

test("what cannot be a parameter is refused before anything is sent", async (t) => {
  const { ctx, add, ids } = await createWorld(t);

  const circular: Record<string, unknown> = {};
  circular.self = circular;
  await assert.rejects(inOneFlight(ctx, [add(1), sql`select ${circular}::json`]), TypeError);

  await inOneFlight(ctx, [add(2)]);
  assert.deepEqual(await ids(), [2]);
});

test("a marked statement of a flight is prepared once, whether it comes alone or with others", async (t) => {
  const { ctx, add } = await createWorld(t);

  const [, , , rows] = await inOneFlight(ctx, [
    ...[add(1), add(2), add(3)],
    sql`select name from pg_prepared_statements where statement like '%into thing%'`,
  ]);
  await ctx.db.transaction().execute(async (trx) => {
    await add(4).execute(trx);
    await inOneFlight(ctx, [add(5)]);
    await add(6).execute(trx);
  });

  assert.equal(rows?.length, 1);
});

test("a statement of a flight finds rows by index, though the table has few when it is planned", async (t) => {
  const { ctx, add } = await createWorld(t);
  await inOneFlight(ctx, [add(1), sql`analyze thing`]);

  const [plan = []] = await inOneFlight(ctx, [sql`explain select from thing where id = 1`]);

  assert.match(JSON.stringify(plan), /Index (Only )?Scan/);
});

test("a lost connection is told to the flight that it had", async (t) => {
  const { ctx, add, ids } = await createWorld(t);

  await assert.rejects(
    inOneFlight(ctx, [add(1), sql`select pg_terminate_backend(pg_backend_pid())`, add(2)]),
  );

  assert.deepEqual(await ids(), []);
});

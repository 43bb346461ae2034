import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type pg from "pg";
import { openDatabase } from "#platform/db/open.ts";
import { createDatabase } from "../../support/database.ts";

interface WithConnection {
  readonly connection: { on(event: "rowDescription", listener: () => void): void };
}

/** One connection, and how often the server described rows on it. */
async function createPool(t: TestContext) {
  const { url } = await createDatabase(t);
  const database = openDatabase({ url, poolSize: 1, applicationName: "test" });
  let descriptions = 0;
  database.pool.on("connect", (client) => {
    (client as unknown as WithConnection).connection.on("rowDescription", () => {
      descriptions += 1;
    });
  });
  t.after(() => database[Symbol.asyncDispose]());
  const named = (name: string, text: string, values: readonly unknown[] = []) =>
    database.pool.query({ name, text, values: [...values] });
  return { ...database, named, descriptions: () => descriptions };
}

const VALUES: readonly (readonly [type: string, value: unknown])[] = [
  ["int", 7],
  ["int", null],
  ["bigint", 9_007_199_254_740_991n],
  ["boolean", false],
  ["text", 'a "quoted", {braced} \\ text, ü'],
  ["text", undefined],
  ["double precision", Number.POSITIVE_INFINITY],
  ["bytea", Buffer.from([0, 255, 92, 34])],
  ["bytea", new Uint8Array([1, 2])],
  ["jsonb", { a: [1, null, "x"], b: { c: true } }],
  ["timestamptz", new Date("2026-02-03T04:05:06.789Z")],
  ["timestamptz", "2026-02-03 04:05:06+02"],
  ["interval", "1 day"],
  ["int[]", [1, null, -3]],
  ["bigint[]", [1n, 2n]],
  ["boolean[]", [true, false, null]],
  ["text[]", ['quo"te', "back\\slash", "com,ma", "{brace}", "", "NULL", "ü", null]],
  ["text[]", []],
  [
    "int[]",
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ["bytea[]", [Buffer.from([0, 255]), null]],
  ["jsonb[]", [{ a: 1 }, { b: 'x"y' }]],
  ["timestamptz[]", [new Date("2026-02-03T04:05:06Z")]],
];

for (const [type, value] of VALUES) {
  test(`${type}: a later call reads and writes as the first one does`, async (t) => {
    const { named, descriptions } = await createPool(t);
    const text = `select $1::${type} as value, $1::${type}::text as told, 'x' as "__proto"`;

    const first = await named("s", text, [value]);
    const later = [await named("s", text, [value]), await named("s", text, [value])];

    for (const { rows, command, rowCount } of later) {
      assert.deepEqual(rows, first.rows);
      assert.deepEqual([command, rowCount], [first.command, first.rowCount]);
    }
    assert.equal(descriptions(), 1);
  });
}

test("statements that answer no rows tell how many they touched", async (t) => {
  const { named } = await createPool(t);
  await named("make", "create table thing (id int primary key, name text)");

  const counts = [];
  for (const [from, to] of [
    [1, 2],
    [3, 7],
  ])
    counts.push(
      await named("insert", "insert into thing select generate_series($1::int, $2::int)", [
        from,
        to,
      ]),
    );
  const gone = [await named("delete", "delete from thing where id = $1", [1])];
  gone.push(await named("delete", "delete from thing where id = $1", [100]));

  const told = ({ command, rowCount, rows }: pg.QueryResult) => [command, rowCount, rows.length];
  assert.deepEqual(counts.map(told), [
    ["INSERT", 2, 0],
    ["INSERT", 5, 0],
  ]);
  assert.deepEqual(gone.map(told), [
    ["DELETE", 1, 0],
    ["DELETE", 0, 0],
  ]);
});

test("one that fails tells why, and its connection goes on", async (t) => {
  const { pool, named } = await createPool(t);
  await named("make", "create table thing (id int primary key)");
  const client = await pool.connect();
  t.after(() => client.release());
  const insert = (id: unknown) =>
    client.query({ name: "i", text: "insert into thing values ($1) returning id", values: [id] });
  const circular: Record<string, unknown> = {};
  circular.self = circular;

  const first = await insert(1);
  const again = await Promise.allSettled([
    insert(1),
    insert(2),
    insert("x"),
    insert(circular),
    insert(3),
  ]);

  assert.deepEqual(first.rows, [{ id: 1 }]);
  const outcomes = again.map((one) =>
    one.status === "fulfilled" ? one.value.rows : (one.reason.code ?? one.reason.constructor.name),
  );
  assert.deepEqual(outcomes, ["23505", [{ id: 2 }], "22P02", "TypeError", [{ id: 3 }]]);
});

test("another text under a name that is taken is refused, and a large value arrives whole", async (t) => {
  const { pool, named } = await createPool(t);
  const large = "x".repeat(1_000_000);
  const measure = "select length($1::text) as n";

  assert.deepEqual((await named("s", measure, ["abc"])).rows, [{ n: 3 }]);
  assert.deepEqual((await named("s", measure, [large])).rows, [{ n: 1_000_000 }]);
  await assert.rejects(named("s", "select 1 as n"), /must be unique/);

  const { rows } = await pool.query("select 2 as n");
  assert.deepEqual(rows, [{ n: 2 }]);
});

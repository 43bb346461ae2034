import { sql } from "kysely";
import type { Db, Trx } from "#core/ctx.ts";
import type { SealedTable } from "#core/plugin-contract.ts";
import { secretErrors } from "#platform/crypto/errors.ts";
import type { Secrets } from "#platform/crypto/secrets.ts";
import { compose } from "../composition.ts";
import { openSecrets } from "../configure.ts";
import { shippedPlugins } from "../plugins.ts";
import { type Command, openCommandDatabase, print } from "./command.ts";

const BATCH = 1024;

/** Plugins that are switched off have secrets too. */
const sealedTables = (): readonly SealedTable[] =>
  compose(shippedPlugins).plugins.flatMap(({ sealed = [] }) => sealed);

export const rotateDbKeyCommand: Command = {
  name: "rotate-db-key",
  usage: "[--dry-run]",
  summary: "Seals every secret again with the first key of the key file.",
  options: { "dry-run": { type: "boolean" } },
  async run({ on }) {
    await using opened = await openCommandDatabase();
    const secrets = openSecrets(opened.configuration.settings);
    let unreadable = 0;
    for (const sealed of sealedTables()) {
      print(`Updating ${sealed.columns.join(", ")} on ${sealed.model}.`);
      unreadable += await rotate(opened.db, { sealed, secrets, isDry: on["dry-run"] === true });
    }
    if (unreadable === 0) return 0;
    print(`${unreadable} secrets were left as they are: no key of DB_ENCRYPTION_KEY opens them.`);
    return 1;
  },
};

interface Rotation {
  readonly sealed: SealedTable;
  readonly secrets: Secrets;
  readonly isDry: boolean;
}

type Row = Readonly<Record<string, unknown>>;

/**
 * One transaction per model; breaking off leaves it as it was, and a second run does it again. A row
 * that somebody is changing is waited for, and sealed as it is then.
 *
 * @returns how many secrets no key opens.
 */
async function rotate(db: Db, rotation: Rotation): Promise<number> {
  return await db.transaction().execute(async (trx) => {
    let unreadable = 0;
    let after = "00000000-0000-0000-0000-000000000000";
    for (;;) {
      const rows = await batch(trx, rotation.sealed, after);
      for (const row of rows) unreadable += await rotateRow(trx, row, rotation);
      const last = rows.at(-1);
      if (!last || rows.length < BATCH) return unreadable;
      after = String(last.id);
    }
  });
}

async function rotateRow(
  trx: Trx,
  row: Row,
  { sealed, secrets, isDry }: Rotation,
): Promise<number> {
  const { values, lost } = reseal(row, sealed, secrets);
  for (const column of lost) print(`No key opens ${column} of ${sealed.model} ${row.id}.`);
  if (!isDry && values.length > 0) await update(trx, sealed, { id: row.id, values });
  return lost.length;
}

async function batch(trx: Trx, sealed: SealedTable, after: string): Promise<readonly Row[]> {
  const columns = sql.join(sealed.columns.map((column) => sql.ref(column)));
  const { rows } = await sql<Row>`
    select id, ${columns} from ${sql.table(sealed.table)}
    where id > ${after}::uuid order by id limit ${BATCH} for no key update`.execute(trx);
  return rows;
}

interface Change {
  readonly column: string;
  readonly value: string;
}

interface Resealed {
  readonly values: readonly Change[];
  /** Columns that cannot be read; they stay as they are. */
  readonly lost: readonly string[];
}

function reseal(row: Row, sealed: SealedTable, secrets: Secrets): Resealed {
  const filled = sealed.columns.filter((column) => (row[column] ?? null) !== null);
  const tried = filled.map((column) => ({
    column,
    value: resealed(row[column], sealed, secrets),
  }));
  const values = tried.flatMap(({ column, value }) =>
    value === undefined ? [] : [{ column, value }],
  );
  const lost = tried.flatMap(({ column, value }) => (value === undefined ? [column] : []));
  const { keyColumn: column } = sealed;
  const isNamed = column !== undefined && lost.length === 0 && values.length > 0;
  return { values: isNamed ? [...values, { column, value: secrets.keyName }] : values, lost };
}

/** Undefined if no key opens it. */
function resealed(value: unknown, { isJson }: SealedTable, secrets: Secrets): string | undefined {
  try {
    return isJson ? leaves(value, secrets) : again(value, secrets);
  } catch (error) {
    if (!secretErrors.unreadable.is(error)) throw error;
    return undefined;
  }
}

const again = (token: unknown, secrets: Secrets): string =>
  secrets.seal(secrets.open(String(token)));

const leaves = (value: unknown, secrets: Secrets): string =>
  JSON.stringify(value, (_, leaf) => (typeof leaf === "string" ? again(leaf, secrets) : leaf));

async function update(
  trx: Trx,
  { table, isJson }: SealedTable,
  { id, values }: { readonly id: unknown; readonly values: readonly Change[] },
): Promise<void> {
  const type = sql.raw(isJson ? "::jsonb" : "::text");
  const pairs = values.map(({ column, value }) => sql`${sql.ref(column)} = ${value}${type}`);
  await sql`update ${sql.table(table)} set ${sql.join(pairs)} where id = ${id}`.execute(trx);
}

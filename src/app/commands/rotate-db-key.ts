import { sql } from "kysely";
import type { Db, Trx } from "#core/ctx.ts";
import type { Secrets } from "#platform/crypto/secrets.ts";
import { openSecrets } from "../configure.ts";
import { type Command, openCommandDatabase, print } from "./command.ts";

/** A table with sealed columns; `json` columns hold a token in each leaf. */
interface Sealed {
  readonly model: string;
  readonly table: string;
  readonly key: string;
  readonly columns: readonly string[];
  readonly isJson?: boolean;
}

const SEALED: readonly Sealed[] = [
  {
    model: "Remote",
    table: "remote",
    key: "id",
    columns: ["client_key", "username", "password", "proxy_username", "proxy_password"],
  },
  {
    model: "Domain",
    table: "domain",
    key: "id",
    columns: ["storage_settings"],
    isJson: true,
  },
  { model: "Task", table: "task", key: "id", columns: ["arguments"] },
];

const BATCH = 1024;

export const rotateDbKeyCommand: Command = {
  name: "rotate-db-key",
  usage: "[--dry-run]",
  summary: "Seals every secret again with the first key of the key file.",
  options: { "dry-run": { type: "boolean" } },
  async run({ on }) {
    await using opened = await openCommandDatabase();
    const secrets = openSecrets(opened.configuration.settings);
    for (const sealed of SEALED) {
      print(`Updating ${sealed.columns.join(", ")} on ${sealed.model}.`);
      await rotate(opened.db, { sealed, secrets, isDry: on["dry-run"] === true });
    }
    return 0;
  },
};

interface Rotation {
  readonly sealed: Sealed;
  readonly secrets: Secrets;
  readonly isDry: boolean;
}

type Row = Readonly<Record<string, unknown>>;

/** One transaction per model; breaking off leaves it as it was, and a second run does it again. */
async function rotate(db: Db, { sealed, secrets, isDry }: Rotation): Promise<void> {
  await db.transaction().execute(async (trx) => {
    let after = "00000000-0000-0000-0000-000000000000";
    for (;;) {
      const rows = await batch(trx, sealed, after);
      for (const row of rows) {
        const values = resealed(row, sealed, secrets);
        if (!isDry && values.length > 0) await update(trx, sealed, { id: row.id, values });
      }
      const last = rows.at(-1);
      if (!last || rows.length < BATCH) return;
      after = String(last.id);
    }
  });
}

async function batch(trx: Trx, sealed: Sealed, after: string): Promise<readonly Row[]> {
  const columns = sql.join(sealed.columns.map((column) => sql.ref(column)));
  const { rows } = await sql<Row>`
    select ${sql.ref(sealed.key)} as id, ${columns} from ${sql.table(sealed.table)}
    where ${sql.ref(sealed.key)} > ${after}::uuid order by ${sql.ref(sealed.key)} limit ${BATCH}
    for update`.execute(trx);
  return rows;
}

interface Change {
  readonly column: string;
  readonly value: string;
}

function resealed(row: Row, { columns, isJson }: Sealed, secrets: Secrets): readonly Change[] {
  return columns.flatMap((column) => {
    const value = row[column];
    if (value === null || value === undefined) return [];
    if (!isJson) return [{ column, value: secrets.seal(secrets.open(String(value))) }];
    return [{ column, value: JSON.stringify(resealedLeaves(value, secrets)) }];
  });
}

function resealedLeaves(value: unknown, secrets: Secrets): unknown {
  if (typeof value === "string") return secrets.seal(secrets.open(value));
  if (Array.isArray(value)) return value.map((item) => resealedLeaves(item, secrets));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, resealedLeaves(item, secrets)]),
  );
}

async function update(
  trx: Trx,
  { table, key, isJson }: Sealed,
  { id, values }: { readonly id: unknown; readonly values: readonly Change[] },
): Promise<void> {
  const type = sql.raw(isJson ? "::jsonb" : "::text");
  const pairs = values.map(({ column, value }) => sql`${sql.ref(column)} = ${value}${type}`);
  await sql`update ${sql.table(table)} set ${sql.join(pairs)} where ${sql.ref(key)} = ${id}`.execute(
    trx,
  );
}

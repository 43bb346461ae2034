import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import pg from "pg";
import { generateFernetKey } from "#platform/crypto/fernet.ts";
import { createDatabase } from "../support/database.ts";
import { runProgram, temporaryFolder } from "./program.ts";

/** A migrated database and a folder of settings, on which `pulpcore-manager` works. */
export async function createSite(t: TestContext) {
  const folder = await temporaryFolder(t);
  const { url } = await createDatabase(t);
  const key = generateFernetKey();
  const keyFile = join(folder, "key");
  writeFileSync(keyFile, key);
  const site = {
    DATABASE_URL: url,
    PULP_DEPLOY_ROOT: folder,
    PULP_DB_ENCRYPTION_KEY: keyFile,
    PULP_SECRET_KEY: "canary",
  };
  const manage = (
    words: readonly string[],
    input = "",
    more: Readonly<Record<string, string>> = {},
  ) => runProgram(t, ["manager", ...words], { environment: { ...site, ...more }, input });
  await manage(["migrate"]);
  const query = async (text: string, values: readonly unknown[] = []) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      const { rows } = await client.query<Record<string, unknown>>(text, [...values]);
      return rows;
    } finally {
      await client.end();
    }
  };
  return { folder, key, keyFile, manage, query };
}

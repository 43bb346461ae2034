import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { generateFernetKey } from "#platform/crypto/fernet.ts";
import { createDatabase } from "../support/database.ts";
import { temporaryFolder } from "./program.ts";

/** Variables of the roles over a database, a key and a folder of the test. */
export async function roleEnvironment(t: TestContext) {
  const folder = await temporaryFolder(t);
  const { url } = await createDatabase(t);
  const keyFile = join(folder, "key");
  writeFileSync(keyFile, generateFernetKey());
  return {
    DATABASE_URL: url,
    PULP_DEPLOY_ROOT: folder,
    PULP_DB_ENCRYPTION_KEY: keyFile,
    PID_FILE: join(folder, "worker.pid"),
  };
}

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Tree } from "#platform/config/merge.ts";
import { type Configuration, configure, inheritBase } from "./configure.ts";
import { databasesOf } from "./database-url.ts";
import { openEmbedded } from "./embedded-database.ts";
import { appErrors } from "./errors.ts";
import { type Home, homeFiles, openHome } from "./home.ts";

export interface HomeDatabase {
  readonly configuration: Configuration;
  readonly isEmbedded: boolean;
}

/**
 * Reads the settings of a data folder and starts its database, unless the settings name another one.
 * Processes that this one starts see the same settings. What was started ends with the stack.
 */
export async function openHomeDatabase(
  home: Home,
  extra: Tree,
  stack: AsyncDisposableStack,
): Promise<HomeDatabase> {
  const { secretFile } = homeFiles(home.folder);
  const base = { ...baseOf(home.folder), ...extra };
  const first = configure(base);
  if (isOutside(first)) {
    inheritBase(base, secretFile);
    return { configuration: first, isEmbedded: false };
  }
  const embedded = await openEmbedded(home.postgres, first.log.named("deckle.database"));
  stack.defer(() => embedded.stop());
  writeFileSync(urlFile(home.folder), `${embedded.url}\n`, { mode: 0o600 });
  const whole = { ...base, DATABASES: databasesOf(embedded.url) };
  inheritBase(whole, secretFile);
  return { configuration: configure(whole), isEmbedded: true };
}

/**
 * Lets a command work on a data folder, also while a start serves it: then with the database of that
 * start, else with the folder's own, which ends with the stack.
 */
export async function enterHome(folder: string, stack: AsyncDisposableStack): Promise<void> {
  try {
    const home = stack.use(await openHome(folder));
    await openHomeDatabase(home, {}, stack);
  } catch (error) {
    if (!appErrors.homeInUse.is(error)) throw error;
    const base = baseOf(folder);
    const url = isOutside(configure(base)) ? undefined : readFileSync(urlFile(folder), "utf8");
    const { secretFile } = homeFiles(folder);
    inheritBase(url ? { ...base, DATABASES: databasesOf(url.trim()) } : base, secretFile);
  }
}

const urlFile = (folder: string): string => join(folder, "database_url");

const isOutside = ({ loaded }: Configuration): boolean =>
  Boolean(process.env.DATABASE_URL) || loaded.sources.has("DATABASES");

function baseOf(folder: string): Tree {
  const { keyFile, secretFile } = homeFiles(folder);
  return {
    DEPLOY_ROOT: folder,
    DB_ENCRYPTION_KEY: keyFile,
    SECRET_KEY: readFileSync(secretFile, "utf8").trim(),
  };
}

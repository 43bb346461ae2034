import { readFileSync } from "node:fs";
import type { SettingSpecs } from "#base/settings.ts";
import { type ClowderConfig, readClowderFile } from "#platform/config/clowder.ts";
import { FileError } from "#platform/config/files.ts";
import { type LoadedSettings, loadSettings, SettingsError } from "#platform/config/load.ts";
import type { Tree } from "#platform/config/merge.ts";
import { allSettings, type Settings } from "#platform/config/settings.ts";
import { createSecrets } from "#platform/crypto/fernet.ts";
import { loadKeyFile } from "#platform/crypto/key-file.ts";
import type { Secrets } from "#platform/crypto/secrets.ts";
import { createLog, type LogLevel, type ProcessLog } from "#platform/log/create-log.ts";
import { databasesOf } from "./database-url.ts";
import { shippedPlugins } from "./plugins.ts";

/** The first phase: what this process was told, before it opens anything. */
export interface Configuration {
  readonly settings: Settings;
  readonly loaded: LoadedSettings;
  readonly log: ProcessLog;
}

/** Variable that carries the values of a start to the processes that it starts. */
const BASE_VARIABLE = "DECKLE_BASE_SETTINGS";

/** Where Clowder puts its file, unless `ACG_CONFIG` says otherwise. */
const CLOWDER_FILE = "/cdapp/cdappconfig.json";

/** Every setting that this program knows. */
export const knownSettings = (): SettingSpecs =>
  Object.assign({}, allSettings, ...shippedPlugins.map(({ settings }) => settings ?? {}));

/**
 * Reads the settings and opens the log; warnings are written to it. The name of the environment that
 * Clowder tells becomes `ENV_NAME` where that is not set.
 *
 * @param base values below files and variables
 * @throws `SettingsError` with everything that is wrong
 */
export function configure(base: Tree = inheritedBase()): Configuration {
  const environment = process.env;
  const url = environment.DATABASE_URL;
  const outside = url && base.DATABASES === undefined ? { DATABASES: databasesOf(url) } : {};
  const file = environment.ACG_CONFIG || CLOWDER_FILE;
  const clowder = clowderOf(file);
  if (clowder?.environmentName) environment.ENV_NAME ??= clowder.environmentName;
  const loaded = loadSettings({
    specs: knownSettings(),
    environment,
    platform: clowder && { values: clowder.values, source: file },
    base: { ...base, ...outside },
  });
  const settings = loaded.values as Settings;
  const log = createLog({ level: settings.LOG_LEVEL as LogLevel, format: settings.LOG_FORMAT });
  return { settings, loaded, log };
}

function clowderOf(file: string): ClowderConfig | undefined {
  try {
    return readClowderFile(file);
  } catch (error) {
    if (error instanceof FileError) throw new SettingsError([error.message]);
    throw error;
  }
}

/** Writes what is odd about the settings to the log. */
export function logWarnings({ loaded, log }: Configuration): void {
  for (const warning of loaded.warnings) log.named("pulpcore.settings").warn(warning);
}

/**
 * Lets the processes that this one starts see the same values. The secret stays in its file, since
 * more can be seen of a process's environment than of a private file.
 *
 * @param secretFile holds `SECRET_KEY`
 */
export function inheritBase({ SECRET_KEY: _, ...base }: Tree, secretFile: string): void {
  process.env[BASE_VARIABLE] = JSON.stringify({ base, secretFile });
}

/** @throws `secretErrors.keyFile` */
export const openSecrets = ({ DB_ENCRYPTION_KEY }: Settings): Secrets =>
  createSecrets(loadKeyFile(DB_ENCRYPTION_KEY));

function inheritedBase(): Tree {
  const text = process.env[BASE_VARIABLE];
  if (!text) return {};
  const { base, secretFile } = JSON.parse(text) as Inherited;
  return { ...base, SECRET_KEY: readFileSync(secretFile, "utf8").trim() };
}

interface Inherited {
  readonly base: Tree;
  readonly secretFile: string;
}

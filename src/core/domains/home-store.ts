import type { Json, JsonObject } from "#base/json.ts";
import type { Settings } from "#platform/config/settings.ts";
import type { StoreSettings } from "#platform/storage/storage.ts";
import { storeOptions } from "./rules.ts";
import { FILE_SYSTEM } from "./storage-classes.ts";

/**
 * The store that the settings describe: that of the domain `default` (core-content §2.3).
 *
 * @throws `ValidationError` if options of an object store are wrong or missing.
 */
export function homeStore(settings: Settings): StoreSettings {
  const { BACKEND: storageClass = FILE_SYSTEM, OPTIONS: given = {} } =
    settings.STORAGES.default ?? {};
  const options = storageClass === FILE_SYSTEM ? ofFileSystem(settings) : structured(given);
  return { storageClass, options: storeOptions(storageClass, options) };
}

/** In the environment an option with parts is JSON, which is no literal of TOML. */
const structured = (given: Readonly<Record<string, unknown>>): JsonObject =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, partsOf(value) ?? (value as Json)]),
  );

function partsOf(value: unknown): Json | undefined {
  if (typeof value !== "string" || !/^\s*[{[]/.test(value)) return undefined;
  try {
    return JSON.parse(value) as Json;
  } catch {
    return undefined;
  }
}

const ofFileSystem = (settings: Settings): JsonObject => ({
  location: settings.MEDIA_ROOT,
  base_url: "",
  file_permissions_mode: settings.FILE_UPLOAD_PERMISSIONS,
  directory_permissions_mode: settings.FILE_UPLOAD_DIRECTORY_PERMISSIONS,
});

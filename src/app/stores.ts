import type { JsonObject } from "#base/json.ts";
import { FILE_SYSTEM } from "#core/domains/types.ts";
import type { Settings } from "#platform/config/settings.ts";
import { createFileSystemStorage } from "#platform/storage/file-system.ts";
import type { OpenStore, Storage } from "#platform/storage/storage.ts";

/** Stores that are kept for the next time they are asked for. */
const MAX_OPEN = 1000;

/**
 * Opens the stores of one process.
 *
 * @param processId names its folder of incoming files.
 */
export function storeOpener(settings: Settings, processId: string): OpenStore {
  const known = new Map<string, Storage>();
  return ({ storageClass, options }) => {
    if (storageClass !== FILE_SYSTEM) return undefined;
    const own = fileSystemOptions(settings, options);
    const key = JSON.stringify(own);
    const found = known.get(key);
    if (found) return found;
    if (known.size >= MAX_OPEN) known.clear();
    const algorithms = settings.ALLOWED_CONTENT_CHECKSUMS;
    const store = createFileSystemStorage({ ...own, algorithms, processId });
    known.set(key, store);
    return store;
  };
}

/** An empty location is the server's own, in every process. */
function fileSystemOptions(settings: Settings, options: JsonObject) {
  const mode = (value: unknown) => (typeof value === "number" ? value : null);
  return {
    root: options.location ? String(options.location) : settings.MEDIA_ROOT,
    fileMode: mode(options.file_permissions_mode),
    directoryMode: mode(options.directory_permissions_mode),
  };
}

/** The store that the settings describe: that of the domain `default`. */
export const homeSettings = (settings: Settings): JsonObject => ({
  location: settings.MEDIA_ROOT,
  file_permissions_mode: settings.FILE_UPLOAD_PERMISSIONS,
  directory_permissions_mode: settings.FILE_UPLOAD_DIRECTORY_PERMISSIONS,
});

/** @throws if the settings name a class that this program has not; their check refuses it before. */
export function openHome(settings: Settings, open: OpenStore): Storage {
  const store = open({ storageClass: FILE_SYSTEM, options: homeSettings(settings) });
  if (!store) throw new Error("The store of the settings cannot be opened.");
  return store;
}

import { ValidationError } from "#base/errors.ts";
import type { JsonObject } from "#base/json.ts";
import { homeStore } from "#core/domains/home-store.ts";
import {
  AZURE,
  FILE_SYSTEM,
  GCS,
  OCI_CLASSES,
  S3_CLASSES,
  S3_EDGE,
  SFTP_CLASSES,
} from "#core/domains/types.ts";
import type { Settings } from "#platform/config/settings.ts";
import { createAzureStorage } from "#platform/storage/azure/azure.ts";
import { createFileSystemStorage } from "#platform/storage/file-system.ts";
import { createGcsStorage } from "#platform/storage/gcs/gcs.ts";
import { createOciStorage } from "#platform/storage/oci/oci.ts";
import { createS3Storage } from "#platform/storage/s3/s3.ts";
import { createSftpStorage } from "#platform/storage/sftp/sftp.ts";
import type { OpenStore, Storage, StoreSettings } from "#platform/storage/storage.ts";
import { appErrors } from "./errors.ts";

/** Stores that are kept for the next time they are asked for. */
const MAX_OPEN = 1000;

/**
 * Opens the stores of one process.
 *
 * @param processId names its folder of incoming files.
 */
export function storeOpener(settings: Settings, processId: string): OpenStore {
  const known = new Map<string, Storage>();
  const local = (own: ReturnType<typeof fileSystemOptions>) =>
    createFileSystemStorage({ ...own, algorithms: settings.ALLOWED_CONTENT_CHECKSUMS, processId });
  const make = ({ storageClass, options }: StoreSettings): Storage | undefined => {
    const root = settings.WORKING_DIRECTORY;
    const workshop = () => local({ ...fileSystemOptions(settings, {}), root });
    const create = remoteStore(storageClass);
    if (create) return create({ options, local: workshop() });
    const own = fileSystemOptions(settings, options);
    return storageClass === FILE_SYSTEM && own.root !== "" ? local(own) : undefined;
  };
  return (wanted) => {
    const key = JSON.stringify(wanted);
    const store = known.get(key) ?? make(wanted);
    if (known.size >= MAX_OPEN) known.clear();
    if (store) known.set(key, store);
    return store;
  };
}

type CreateStore = (parts: {
  readonly options: JsonObject;
  readonly local: Pick<Storage, "beginFile" | "incoming" | "sessions">;
}) => Storage;

function remoteStore(storageClass: string): CreateStore | undefined {
  if (storageClass === S3_EDGE) return (parts) => createS3Storage({ ...parts, isMarked: true });
  if (S3_CLASSES.includes(storageClass)) return createS3Storage;
  if (storageClass === AZURE) return createAzureStorage;
  if (storageClass === GCS) return createGcsStorage;
  if (OCI_CLASSES.includes(storageClass)) return createOciStorage;
  return SFTP_CLASSES.includes(storageClass) ? createSftpStorage : undefined;
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

/** The store of the settings. @throws `appErrors.store` if its options are wrong. */
export function openHome(settings: Settings, open: OpenStore): Storage {
  const store = open(homeOptions(settings));
  if (!store) throw appErrors.store("MEDIA_ROOT names no folder");
  return store;
}

function homeOptions(settings: Settings): StoreSettings {
  try {
    return homeStore(settings);
  } catch (error) {
    if (error instanceof ValidationError) throw appErrors.store(JSON.stringify(error.detail));
    throw error;
  }
}

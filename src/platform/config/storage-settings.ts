import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

const FILE_SYSTEM = "pulpcore.app.models.storage.FileSystem";

const STORES = [
  FILE_SYSTEM,
  "storages.backends.s3.S3Storage",
  "storages.backends.s3boto3.S3Boto3Storage",
  "pulp_service.app.storage.AIPCCStorageBackend",
  "pulp_service.app.storage.OCIStorageBackend",
  "pulp_service.app.storage.OCIStorage",
  "storages.backends.azure_storage.AzureStorage",
  "storages.backends.gcloud.GoogleCloudStorage",
  "storages.backends.sftpstorage.SFTPStorage",
  "pulpcore.app.models.storage.PulpSFTPStorage",
];

type Stores = Readonly<Record<string, { readonly BACKEND?: string }>>;

/** Where bytes live (core-tasks-ops §16.1). */
export const storageSettings = defineSettings({
  STORAGES: {
    schema: Type.Record(
      Type.String(),
      Type.Object({
        BACKEND: Type.Optional(Type.String()),
        OPTIONS: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      }),
    ),
    default: {
      default: { BACKEND: FILE_SYSTEM },
      staticfiles: { BACKEND: "django.contrib.staticfiles.storage.StaticFilesStorage" },
    },
    doc: "`default.BACKEND` is the class of the object store, `default.OPTIONS` its options: of a file system `location`, `file_permissions_mode`, `directory_permissions_mode`; of S3 `bucket_name`, `access_key`, `secret_key`, `region_name`, `endpoint_url` and more; of Azure `account_name`, `account_key`, `azure_container` and more; of Google Cloud `bucket_name`, `project_id`, `credentials` and more; of SFTP `host`, `root_path`, `params`, `known_host_file` and more; of a registry of images `username`, `password`, `repository`, `registry`.",
    check: (value: Stores) => {
      const backend = value.default?.BACKEND ?? FILE_SYSTEM;
      if (STORES.includes(backend)) return undefined;
      const known = STORES.map((name) => `'${name}'`).join(", ");
      return `STORAGES.default.BACKEND must be one of ${known}, got '${backend}'.`;
    },
  },
  FILE_UPLOAD_TEMP_DIR: {
    schema: Type.String(),
    default: "/var/lib/pulp/tmp",
    doc: "Folder of request bodies that are being received; follows `WORKING_DIRECTORY`.",
  },
  FILE_UPLOAD_MAX_MEMORY_SIZE: {
    schema: Type.Integer({ minimum: 0 }),
    default: 2_621_440,
    unit: "bytes",
    doc: "Accepted without effect: uploaded files always go to disk while they arrive.",
  },
  STATIC_ROOT: {
    schema: Type.String(),
    default: "/var/lib/pulp/assets",
    doc: "Accepted without effect: static files are part of the program.",
  },
  STATIC_URL: {
    schema: Type.String(),
    default: "/assets/",
    doc: "Path, or address elsewhere, below which pages look for their style sheets; a path is answered by the API.",
  },
});

import type { Json } from "#base/json.ts";

export const FILE_SYSTEM = "pulpcore.app.models.storage.FileSystem";
export const AZURE = "storages.backends.azure_storage.AzureStorage";
export const S3 = "storages.backends.s3.S3Storage";
/** The old name of `S3`; both behave the same. */
export const S3_ALIAS = "storages.backends.s3boto3.S3Boto3Storage";

/** The name of a hosted service for `S3` with a network of edges in front: `custom_domain`. */
export const S3_EDGE = "pulp_service.app.storage.AIPCCStorageBackend";

export const OCI = "pulp_service.app.storage.OCIStorageBackend";
/** The short name of `OCI`; both behave the same. */
export const OCI_ALIAS = "pulp_service.app.storage.OCIStorage";

/** Stores in a repository of a registry of OCI images. */
export const OCI_CLASSES: readonly string[] = [OCI, OCI_ALIAS];

export const GCS = "storages.backends.gcloud.GoogleCloudStorage";
export const SFTP = "storages.backends.sftpstorage.SFTPStorage";
/** The peer's own name of `SFTP`; both behave the same. */
export const SFTP_ALIAS = "pulpcore.app.models.storage.PulpSFTPStorage";

/** Stores in a folder of another machine. */
export const SFTP_CLASSES: readonly string[] = [SFTP, SFTP_ALIAS];

/** Stores in buckets. */
export const S3_CLASSES: readonly string[] = [S3, S3_ALIAS, S3_EDGE];

export type OptionKind = "text" | "integer" | "boolean" | "map" | "texts";

/** One option of a store (core-content §2.3). */
export interface StoreOption {
  readonly name: string;
  readonly kind: OptionKind;
  /** Undefined: it must be given. */
  readonly default?: Json;
  /** May be null. */
  readonly isNullable?: boolean;
  /** A blank text is a value. */
  readonly mayBeBlank?: boolean;
  /** Set and never shown. */
  readonly isSecret?: boolean;
  readonly choices?: readonly string[];
  /** Of a map with options of its own; such a map may be null as a whole. */
  readonly options?: readonly StoreOption[];
}

export interface StorageClass {
  readonly options: readonly StoreOption[];
  /** Option that a setting's name in lower case stands for; undefined if there is none. */
  optionOf(setting: string): string | undefined;
}

const text = (name: string, value?: string): StoreOption =>
  value === undefined
    ? { name, kind: "text", default: null, isNullable: true, mayBeBlank: true }
    : { name, kind: "text", default: value, mayBeBlank: true };
const required = (name: string): StoreOption => ({ name, kind: "text" });
const secret = (option: StoreOption): StoreOption => ({ ...option, isSecret: true });
const integer = (name: string, value: number): StoreOption => ({
  name,
  kind: "integer",
  default: value,
});
const flag = (name: string, value: boolean): StoreOption => ({
  name,
  kind: "boolean",
  default: value,
});
const mayBeNull = (option: StoreOption): StoreOption => ({
  ...option,
  default: null,
  isNullable: true,
});

const fileSystem: readonly StoreOption[] = [
  { name: "location", kind: "text", mayBeBlank: true },
  text("base_url", ""),
  { ...integer("file_permissions_mode", 0o644), isNullable: true },
  mayBeNull(integer("directory_permissions_mode", 0)),
];

const MIB = 1024 * 1024;
const transfer: readonly StoreOption[] = [
  integer("multipart_threshold", 8 * MIB),
  integer("max_concurrency", 10),
  integer("multipart_chunksize", 8 * MIB),
  integer("num_download_attempts", 5),
  integer("max_io_queue", 100),
  integer("io_chunksize", MIB / 4),
  flag("use_threads", true),
  mayBeNull(integer("max_bandwidth", 0)),
  { ...text("preferred_transfer_client", "auto"), choices: ["auto", "classic"] },
];

const GZIPPED = [
  ...["text/css", "text/javascript", "application/javascript", "application/x-javascript"],
  "image/svg+xml",
];

const s3: readonly StoreOption[] = [
  secret(required("access_key")),
  secret(text("secret_key")),
  secret(text("security_token")),
  required("bucket_name"),
  flag("file_overwrite", true),
  { name: "object_parameters", kind: "map", default: {} },
  flag("querystring_auth", true),
  integer("querystring_expire", 3600),
  text("signature_version"),
  text("location", ""),
  text("custom_domain"),
  text("cloudfront_key_id"),
  secret(text("cloudfront_key")),
  text("addressing_style"),
  text("file_name_charset", "utf-8"),
  flag("gzip", false),
  { name: "gzip_content_types", kind: "texts", default: GZIPPED },
  text("url_protocol", "https:"),
  text("endpoint_url"),
  mayBeNull({ name: "proxies", kind: "map" }),
  text("region_name"),
  flag("use_ssl", true),
  mayBeNull(flag("verify", false)),
  integer("max_memory_size", 0),
  text("default_acl"),
  flag("use_threads", true),
  { ...mayBeNull({ name: "transfer_config", kind: "map" }), options: transfer },
];

const azure: readonly StoreOption[] = [
  secret(required("account_name")),
  secret(required("account_key")),
  required("azure_container"),
  flag("azure_ssl", true),
  integer("upload_max_conn", 2),
  integer("timeout", 20),
  integer("max_memory_size", 2 * MIB),
  mayBeNull(integer("expiration_secs", 0)),
  flag("overwrite_files", true),
  text("location", ""),
  text("endpoint_suffix", "core.windows.net"),
  text("cache_control"),
  text("sas_token"),
  text("custom_domain"),
  text("connection_string"),
  text("token_credential"),
  text("api_version"),
  { name: "object_parameters", kind: "map", default: {} },
];

const gcs: readonly StoreOption[] = [
  required("bucket_name"),
  required("project_id"),
  text("custom_endpoint"),
  text("location", ""),
  text("default_acl"),
  flag("querystring_auth", true),
  integer("expiration", 86_400),
  flag("file_overwrite", true),
  flag("gzip", false),
  { name: "gzip_content_types", kind: "texts", default: GZIPPED },
  { name: "object_parameters", kind: "map", default: {} },
  integer("max_memory_size", 0),
  mayBeNull(integer("blob_chunk_size", 0)),
  text("api_endpoint"),
  secret(mayBeNull({ name: "credentials", kind: "map" })),
];

const sftp: readonly StoreOption[] = [
  required("host"),
  text("root_path", ""),
  secret({ name: "params", kind: "map", default: {} }),
  text("known_host_file"),
  mayBeNull(integer("file_mode", 0)),
  mayBeNull(integer("dir_mode", 0)),
  mayBeNull(integer("uid", 0)),
  mayBeNull(integer("gid", 0)),
  flag("interactive", false),
  text("base_url"),
];

const oci: readonly StoreOption[] = [
  { ...secret(required("username")), mayBeBlank: true },
  { ...secret(required("password")), mayBeBlank: true },
  required("repository"),
  { name: "registry", kind: "text", default: "quay.io" },
];

type Names = Readonly<Record<string, string>>;

const FILE_SYSTEM_SETTINGS: Names = {
  media_root: "location",
  media_url: "base_url",
  file_upload_permissions: "file_permissions_mode",
  file_upload_directory_permissions: "directory_permissions_mode",
};

/** Settings whose name is not a prefix and the option's name. */
const S3_SETTINGS: Names = {
  aws_access_key_id: "access_key",
  aws_secret_access_key: "secret_key",
  aws_session_token: "security_token",
  aws_storage_bucket_name: "bucket_name",
};
const GCS_SETTINGS: Names = { gs_bucket_name: "bucket_name", gs_project_id: "project_id" };
const AZURE_SETTINGS: Names = { azure_container: "azure_container", azure_ssl: "azure_ssl" };

const named = (names: Names, setting: string): string | undefined =>
  Object.hasOwn(names, setting) ? names[setting] : undefined;

const s3Class: StorageClass = {
  options: s3,
  optionOf: (setting) =>
    named(S3_SETTINGS, setting) ?? /^aws_(?:s3_)?(.+)$/.exec(setting)?.[1] ?? setting,
};

const gcsClass: StorageClass = {
  options: gcs,
  optionOf: (setting) => named(GCS_SETTINGS, setting) ?? /^gs_(.+)$/.exec(setting)?.[1] ?? setting,
};
const sftpClass: StorageClass = {
  options: sftp,
  optionOf: (setting) => /^sftp_storage_(.+)$/.exec(setting)?.[1] ?? setting,
};
const ociClass: StorageClass = { options: oci, optionOf: (name) => name };

const CLASSES: ReadonlyMap<string, StorageClass> = new Map([
  [
    FILE_SYSTEM,
    { options: fileSystem, optionOf: (name) => named(FILE_SYSTEM_SETTINGS, name) ?? name },
  ],
  [S3, s3Class],
  [S3_ALIAS, s3Class],
  [S3_EDGE, s3Class],
  [
    AZURE,
    {
      options: azure,
      optionOf: (name) => named(AZURE_SETTINGS, name) ?? /^azure_(.+)$/.exec(name)?.[1] ?? name,
    },
  ],
  [GCS, gcsClass],
  [SFTP, sftpClass],
  [SFTP_ALIAS, sftpClass],
  [OCI, ociClass],
  [OCI_ALIAS, ociClass],
]);

/** Class by its identifier, which is a contract; undefined if there is none. */
export const storageClass = (name: string): StorageClass | undefined => CLASSES.get(name);

/** Identifiers that a domain may have. With SFTP go files of the server: keys, and hosts it knows. */
export const STORAGE_CLASSES: readonly string[] = [...CLASSES.keys()].filter(
  (name) => !SFTP_CLASSES.includes(name),
);

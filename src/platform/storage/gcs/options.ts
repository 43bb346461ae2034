import type { JsonObject } from "#base/json.ts";

/** Options of a store in Google Cloud Storage (core-content §2.3), each in our form. */
export interface GcsOptions {
  readonly bucket: string;
  readonly project: string;
  /** Path of the store in the bucket, with a slash at its end; "" is the bucket itself. */
  readonly prefix: string;
  /** Undefined: those of the machine. */
  readonly credentials: { readonly client_email: string; readonly private_key: string } | undefined;
  /** Undefined: that of Google. */
  readonly apiEndpoint: string | undefined;
  readonly acl: string | undefined;
  /** Of every upload, by the API's names: `cacheControl`, `storageClass`. */
  readonly uploadMetadata: JsonObject;
  /** Bytes of one request of a large upload: a multiple of 256 KiB. */
  readonly chunkBytes: number;
  /** Addresses for clients are signed. */
  readonly isSigned: boolean;
  readonly lifetimeSeconds: number;
  /** Begin of addresses for clients, in place of Google's. */
  readonly customEndpoint: string | undefined;
}

const STEP_BYTES = 256 * 1024;
const CHUNK_BYTES = 8 * 1024 * 1024;

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** Reads options that `core/domains/rules.ts`, or the check of the setting, has found to be right. */
export function gcsOptions(options: JsonObject): GcsOptions {
  const location = (text(options.location) ?? "").replace(/^\/+|\/+$/g, "");
  const chunk = Number(options.blob_chunk_size ?? CHUNK_BYTES);
  return {
    bucket: String(options.bucket_name),
    project: String(options.project_id),
    prefix: location === "" ? "" : `${location}/`,
    credentials: accountOf(options.credentials as JsonObject | null),
    apiEndpoint: text(options.api_endpoint)?.replace(/\/+$/, ""),
    acl: text(options.default_acl),
    uploadMetadata: camelCased((options.object_parameters ?? {}) as JsonObject),
    chunkBytes: Math.max(STEP_BYTES, Math.floor(chunk / STEP_BYTES) * STEP_BYTES),
    isSigned: options.querystring_auth !== false,
    lifetimeSeconds: Number(options.expiration ?? 86_400),
    customEndpoint: text(options.custom_endpoint)?.replace(/\/+$/, ""),
  };
}

const accountOf = (given: JsonObject | null): GcsOptions["credentials"] =>
  given
    ? { client_email: String(given.client_email), private_key: String(given.private_key) }
    : undefined;

/** The peer's library has the names of Python. */
const camelCased = (map: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(map).map(([name, value]) => [
      name.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );

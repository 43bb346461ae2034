import type { JsonObject } from "#base/json.ts";

/** Options of an S3 store (core-content §2.3), each in our form. */
export interface S3Options {
  readonly bucket: string;
  /** Path of the store in the bucket, with a slash at its end; "" is the bucket itself. */
  readonly prefix: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  readonly region: string;
  /** Undefined: that of AWS for the region. */
  readonly endpoint: string | undefined;
  /** The bucket is in the path instead of the host's name. */
  readonly usesPath: boolean;
  /** False: certificates of the store are not checked. */
  readonly verifiesTls: boolean;
  /** Addresses of proxies by scheme. */
  readonly proxies: Readonly<Record<string, string>>;
  readonly acl: string | undefined;
  /** Parameters of every upload by the API's names: `StorageClass`, `ServerSideEncryption`. */
  readonly uploadParameters: JsonObject;
  readonly multipart: {
    readonly thresholdBytes: number;
    readonly partBytes: number;
    readonly concurrency: number;
  };
  readonly addresses: AddressOptions;
}

/** What addresses for clients look like. */
export interface AddressOptions {
  readonly isSigned: boolean;
  readonly lifetimeSeconds: number;
  /** Host of a CDN before the bucket. */
  readonly customDomain: string | undefined;
  /** `https:` */
  readonly protocol: string;
  readonly cloudFront: { readonly keyId: string; readonly privateKey: string } | undefined;
}

const MIB = 1024 * 1024;
/** S3 takes no smaller parts but the last. */
const LEAST_PART_BYTES = 5 * MIB;

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;
const number = (value: unknown, otherwise: number): number =>
  typeof value === "number" ? value : otherwise;
const map = (value: unknown): JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};

/** Reads options that `core/domains/rules.ts`, or the check of the setting, has found to be right. */
export function s3Options(options: JsonObject): S3Options {
  const endpoint = text(options.endpoint_url);
  const location = (text(options.location) ?? "").replace(/^\/+|\/+$/g, "");
  const sessionToken = text(options.security_token);
  return {
    bucket: String(options.bucket_name),
    prefix: location === "" ? "" : `${location}/`,
    credentials: {
      accessKeyId: String(options.access_key ?? ""),
      secretAccessKey: String(options.secret_key ?? ""),
      ...(sessionToken === undefined ? {} : { sessionToken }),
    },
    region: text(options.region_name) ?? "us-east-1",
    endpoint,
    usesPath: usesPath(text(options.addressing_style), endpoint),
    verifiesTls: options.verify !== false,
    proxies: map(options.proxies) as Record<string, string>,
    acl: text(options.default_acl),
    uploadParameters: map(options.object_parameters),
    multipart: multipartOptions(map(options.transfer_config)),
    addresses: addressOptions(options),
  };
}

/** Servers other than AWS rarely answer under a name of each bucket. */
const usesPath = (style: string | undefined, endpoint: string | undefined): boolean =>
  style === "path" || (style !== "virtual" && endpoint !== undefined);

function multipartOptions(config: JsonObject): S3Options["multipart"] {
  const partBytes = number(config.multipart_chunksize, 8 * MIB);
  return {
    thresholdBytes: number(config.multipart_threshold, 8 * MIB),
    partBytes: Math.max(partBytes, LEAST_PART_BYTES),
    concurrency: config.use_threads === false ? 1 : number(config.max_concurrency, 10),
  };
}

function addressOptions(options: JsonObject): AddressOptions {
  const keyId = text(options.cloudfront_key_id);
  const privateKey = text(options.cloudfront_key);
  return {
    isSigned: options.querystring_auth !== false,
    lifetimeSeconds: number(options.querystring_expire, 3600),
    customDomain: text(options.custom_domain),
    protocol: text(options.url_protocol) ?? "https:",
    cloudFront: keyId && privateKey ? { keyId, privateKey } : undefined,
  };
}

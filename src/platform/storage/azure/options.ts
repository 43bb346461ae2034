import type { JsonObject } from "#base/json.ts";

/** Options of a store in Azure Blob (core-content §2.3), each in our form. */
export interface AzureOptions {
  /** With endpoint and key of the account. */
  readonly connection: string;
  readonly container: string;
  /** Path of the store in the container, with a slash at its end; "" is the container itself. */
  readonly prefix: string;
  /** Blocks that are sent at once. */
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly cacheControl: string | undefined;
  /** How long an address for a client is good for. */
  readonly lifetimeSeconds: number;
  /** Host of a CDN before the container. */
  readonly customDomain: string | undefined;
}

const LIFETIME_SECONDS = 3600;

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** Reads options that `core/domains/rules.ts`, or the check of the setting, has found to be right. */
export function azureOptions(options: JsonObject): AzureOptions {
  const location = (text(options.location) ?? "").replace(/^\/+|\/+$/g, "");
  return {
    connection: text(options.connection_string) ?? connectionOf(options),
    container: String(options.azure_container),
    prefix: location === "" ? "" : `${location}/`,
    concurrency: Number(options.upload_max_conn ?? 2),
    timeoutMs: Number(options.timeout ?? 20) * 1000,
    cacheControl: text(options.cache_control),
    lifetimeSeconds: Number(options.expiration_secs ?? LIFETIME_SECONDS),
    customDomain: text(options.custom_domain),
  };
}

const connectionOf = (options: JsonObject): string =>
  [
    `DefaultEndpointsProtocol=${options.azure_ssl === false ? "http" : "https"}`,
    `AccountName=${options.account_name}`,
    `AccountKey=${options.account_key}`,
    `EndpointSuffix=${options.endpoint_suffix}`,
  ].join(";");

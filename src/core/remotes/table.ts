import type { Digests } from "#base/digests.ts";
import type { Labels } from "#base/labels.ts";
import type {
  Generated,
  JsonColumn,
  JsonDefault,
  SecretToken,
  Stamped,
  Timestamp,
} from "#platform/db/columns.ts";

export type Policy = "immediate" | "on_demand" | "streamed";

export interface RemoteTable {
  readonly id: string;
  readonly domain: number;
  readonly type: string;
  readonly name: string;
  readonly url: string;
  readonly policy: Generated<Policy>;
  readonly ca_cert: string | null;
  readonly client_cert: string | null;
  readonly client_key: SecretToken;
  readonly tls_validation: Generated<boolean>;
  readonly proxy_url: string | null;
  readonly proxy_username: SecretToken;
  readonly proxy_password: SecretToken;
  readonly username: SecretToken;
  readonly password: SecretToken;
  /** First 8 hex digits of the hash of the key that sealed the secrets. */
  readonly secrets_key: string | null;
  readonly download_concurrency: number | null;
  readonly max_retries: number | null;
  /** Seconds; so are the next three. */
  readonly total_timeout: number | null;
  readonly connect_timeout: number | null;
  readonly sock_connect_timeout: number | null;
  readonly sock_read_timeout: number | null;
  readonly headers: JsonColumn<readonly Readonly<Record<string, string>>[] | null> | null;
  /** Requests per second. */
  readonly rate_limit: number | null;
  readonly labels: JsonDefault<Labels>;
  readonly created: Stamped;
  readonly updated: Stamped;
}

export interface RemoteArtifactTable {
  readonly id: string;
  readonly domain: number;
  readonly remote: string;
  readonly content_artifact: string;
  readonly url: string;
  readonly size: number | null;
  readonly sha256: Buffer | null;
  readonly other_digests: JsonColumn<Digests | null> | null;
  readonly failed_at: Timestamp | null;
}

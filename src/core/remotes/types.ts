import type { Digests } from "#base/digests.ts";
import type { Labels } from "#base/labels.ts";
import type { HttpRequest, HttpResponse } from "#platform/http/http.ts";
import type { IncomingFile, SealedFile } from "#platform/storage/storage.ts";
import type { DomainRef } from "../ctx.ts";
import type { Policy } from "./table.ts";

/** Columns that are stored sealed and never shown. */
export const SECRET_COLUMNS = [
  "client_key",
  "username",
  "password",
  "proxy_username",
  "proxy_password",
] as const;
export type SecretColumn = (typeof SECRET_COLUMNS)[number];

/** What a remote holds besides its identity, secrets in plain text. */
export interface RemoteColumns extends Readonly<Partial<Record<SecretColumn, string | null>>> {
  readonly name?: string;
  readonly url?: string;
  readonly policy?: Policy;
  readonly ca_cert?: string | null;
  readonly client_cert?: string | null;
  readonly tls_validation?: boolean;
  readonly proxy_url?: string | null;
  readonly download_concurrency?: number | null;
  readonly max_retries?: number | null;
  /** Seconds; so are the next three. */
  readonly total_timeout?: number | null;
  readonly connect_timeout?: number | null;
  readonly sock_connect_timeout?: number | null;
  readonly sock_read_timeout?: number | null;
  readonly headers?: readonly Readonly<Record<string, string>>[] | null;
  readonly rate_limit?: number | null;
  readonly labels?: Labels;
}

export interface NewRemote extends RemoteColumns {
  readonly name: string;
  readonly url: string;
}

/** An upstream that is being talked to; disposing it closes its connections. */
export interface RemoteSession extends AsyncDisposable {
  readonly id: string;
  readonly url: string;
  readonly policy: Policy;
  /** Further tries after the first. */
  readonly maxRetries: number;
  readonly concurrency: number;
  get(url: string, request?: HttpRequest): Promise<HttpResponse>;
}

/** One file as somebody declared it. */
export interface WantedFile {
  readonly url: string;
  readonly sizeBytes?: number;
  /** Those that are known; all of an allowed algorithm must agree. */
  readonly digests?: Digests;
}

export interface DownloadRequest {
  readonly domain: DomainRef;
  readonly remote: RemoteSession;
  readonly wanted: WantedFile;
  readonly signal: AbortSignal;
}

/** A verified file that is not in place yet: the caller saves or disposes it. */
export interface Download {
  readonly file: IncomingFile;
  readonly sealed: SealedFile;
  /** Headers of the answer; lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
}

/** One place that offers a file. */
export interface SourceRow {
  readonly content_artifact: string;
  readonly remote: string;
  readonly policy: Policy;
  readonly url: string;
  readonly size: number | null;
  readonly sha256: Buffer | null;
  readonly other_digests: Digests | null;
  /** It comes from an alternate content source. */
  readonly is_acs: boolean;
}

import type { Readable } from "node:stream";

/** How to reach one upstream; all times in milliseconds, 0 is no limit. */
export interface HttpOptions {
  /**
   * Scheme, host and port that credentials, custom headers and the client certificate are meant
   * for. No other origin ever gets them. `file://` reads files of this machine, and only those.
   */
  readonly origin: string;
  /** PEM, trusted besides the authorities of the system. */
  readonly caCert?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly tlsValidation: boolean;
  readonly proxy?: { readonly url: string; readonly username?: string; readonly password?: string };
  readonly basicAuth?: { readonly username: string; readonly password: string };
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** From the request to the last byte of the body. */
  readonly totalTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** Longest silence of the upstream. */
  readonly readTimeoutMs?: number;
  /** Simultaneous requests. */
  readonly concurrency: number;
  /** Requests per second. */
  readonly rateLimit?: number;
}

export interface HttpResponse {
  readonly status: number;
  /** Text after the status, as the upstream sent it. */
  readonly reason: string;
  /** Lower-case names; a repeated header is joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** The address that answered, after redirects. */
  readonly url: string;
  /**
   * Decoded body; the caller consumes or destroys it, and holds one of the `concurrency` places
   * until then. It fails with a `PLPnnnn` error.
   */
  readonly body: Readable;
}

/** A connection pool to the upstreams of one remote. Credentials stay with their origin. */
export interface HttpClient extends AsyncDisposable {
  /**
   * One request; every status resolves. Redirects are followed, but those of a POST are answers.
   * Rejects with a `PLPnnnn` error.
   */
  get(url: string, request?: HttpRequest): Promise<HttpResponse>;
}

export interface HttpRequest {
  /** `authorization` and `cookie` do not follow a redirect to another origin. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly method?: "GET" | "HEAD" | "POST";
  /** JSON text that a POST brings; it goes nowhere but to the address that was asked for. */
  readonly json?: string;
}

export interface Http {
  /** A client for one upstream; dispose it when the work is done. `file://` has one of its own. */
  client(options: HttpOptions): HttpClient;
  /** Whether `file://` may read the absolute path: below `ALLOWED_IMPORT_PATHS`, links resolved. */
  allowsFile(path: string): Promise<boolean>;
}

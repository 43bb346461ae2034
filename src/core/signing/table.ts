import type { Stamped } from "#platform/db/columns.ts";

export interface SigningServiceTable {
  readonly id: string;
  readonly name: string;
  /** Model: `container.ManifestSigningService`. */
  readonly kind: string;
  /** ASCII-armoured. */
  readonly public_key: string;
  /** Upper-case hex of the key. */
  readonly fingerprint: string;
  /** Absolute path; empty where the server signs. */
  readonly script: string;
  /** PKCS #8 (PEM), sealed. */
  readonly private_key: string | null;
  readonly created: Stamped;
  readonly updated: Stamped;
}

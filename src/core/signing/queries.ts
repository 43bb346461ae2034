import type { Executor } from "../ctx.ts";

/** Who signs with one key: a program, or the server itself. */
export interface SigningService {
  readonly id: string;
  readonly name: string;
  /** Model: `container.ManifestSigningService`. */
  readonly kind: string;
  readonly public_key: string;
  readonly fingerprint: string;
  /** Absolute path; empty where the server signs. */
  readonly script: string;
  /** Sealed; null where a program has the key. */
  readonly private_key: string | null;
}

/** Services belong to no domain: all use them. */
export const signingService = (db: Executor, id: string): Promise<SigningService | undefined> =>
  db
    .selectFrom("signing_service")
    .select(["id", "name", "kind", "public_key", "fingerprint", "script", "private_key"])
    .where("id", "=", id)
    .executeTakeFirst();

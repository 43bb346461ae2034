import type { Executor } from "../ctx.ts";

/** A program that signs with one key. */
export interface SigningService {
  readonly id: string;
  readonly name: string;
  /** Model: `container.ManifestSigningService`. */
  readonly kind: string;
  readonly public_key: string;
  readonly fingerprint: string;
  readonly script: string;
}

/** Services belong to no domain: all use them. */
export const signingService = (db: Executor, id: string): Promise<SigningService | undefined> =>
  db
    .selectFrom("signing_service")
    .select(["id", "name", "kind", "public_key", "fingerprint", "script"])
    .where("id", "=", id)
    .executeTakeFirst();

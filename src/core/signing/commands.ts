import { uuid7 } from "#base/uuid7.ts";
import { rethrow } from "../constraints.ts";
import type { Executor } from "../ctx.ts";
import { signingConstraints, signingErrors } from "./errors.ts";
import { signMessage } from "./own-keys.ts";
import { type SigningService, signingService } from "./queries.ts";
import { runSigner } from "./run-signer.ts";

/** Who signs, and the two ways to have something signed. */
export const signing = { service: signingService, run: runSigner, message: signMessage };

export { makeOwnKey } from "./own-keys.ts";
export type { SignerRun } from "./run-signer.ts";

/**
 * Makes a signing service known; that a program signs with its key was tried before.
 *
 * @throws `ValidationError` if the name is taken.
 */
export async function addSigningService(
  db: Executor,
  service: Omit<SigningService, "id" | "private_key"> &
    Partial<Pick<SigningService, "private_key">>,
): Promise<string> {
  const id = uuid7();
  await db
    .insertInto("signing_service")
    .values({ id, ...service })
    .execute()
    .catch(rethrow(signingConstraints));
  return id;
}

/** @throws `signingErrors.gone` */
export async function removeSigningService(
  db: Executor,
  { name, kind }: Pick<SigningService, "name" | "kind">,
): Promise<void> {
  const { numDeletedRows } = await db
    .deleteFrom("signing_service")
    .where("name", "=", name)
    .where("kind", "=", kind)
    .executeTakeFirst();
  if (numDeletedRows === 0n) throw signingErrors.gone();
}

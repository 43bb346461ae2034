import { changeGroup, joinGroup, setMembers } from "./access/commands.ts";
import { announceUserChange } from "./access/user-changes.ts";
import type { Ctx, DomainRef, Executor } from "./ctx.ts";
import { createDomain } from "./domains/commands.ts";
import { openOptions } from "./domains/rules.ts";
import type { NewDomain } from "./domains/types.ts";
import { runCreationHooks } from "./policies/commands.ts";
import { inTransaction } from "./transaction.ts";

/** A domain, and the store that it has: options in clear, secrets among them. */
interface StoredDomain extends DomainRef {
  readonly store: NewDomain["store"];
}

/** Undefined if there is no domain of the name. */
async function domainWithStore(
  ctx: Ctx,
  name: string,
  db: Executor = ctx.db,
): Promise<StoredDomain | undefined> {
  const row = await db
    .selectFrom("domain")
    .select(["num", "id", "name", "storage_class", "storage_settings"])
    .where("name", "=", name)
    .executeTakeFirst();
  if (!row) return undefined;
  const { num, id, storage_class: storageClass, storage_settings: sealed } = row;
  return { num, id, name, store: { storageClass, options: openOptions(sealed, ctx.secrets) } };
}

/** For plugins that give domains to tenants: the commands that this takes, each inside a transaction. */
export const tenancy = {
  inTransaction,
  domainWithStore,
  createDomain,
  joinGroup,
  changeGroup,
  setMembers,
  runCreationHooks,
  announceUserChange,
} as const;

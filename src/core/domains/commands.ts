import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { Settings } from "#platform/config/settings.ts";
import type { StoreSettings } from "#platform/storage/storage.ts";
import { rethrow } from "../constraints.ts";
import type { Ctx, Db, DomainRef, Trx } from "../ctx.ts";
import { announce, announceAfterCommit } from "../distributions/commands.ts";
import { domainConstraints, domainErrors } from "./errors.ts";
import { backendMissing, checkDomainName, sealOptions } from "./rules.ts";
import { FILE_SYSTEM } from "./storage-classes.ts";
import type { DomainPatch, NewDomain } from "./types.ts";

export { domainErrors, isProtected } from "./errors.ts";
export { deleteDomain } from "./remove.ts";
export {
  checkDomainName,
  DEFAULT_DOMAIN,
  openOptions,
  shownOptions,
  storeOptions,
} from "./rules.ts";
export { domainStores } from "./stores.ts";

/** At start: the domain `default` exists and says what the settings say (core-rest §6). */
export async function ensureDefaultDomain(db: Db, settings: Settings): Promise<void> {
  const values = {
    storage_class: settings.STORAGES.default?.BACKEND ?? FILE_SYSTEM,
    redirect_to_object_storage: settings.REDIRECT_TO_OBJECT_STORAGE,
    hide_guarded_distributions: settings.HIDE_GUARDED_DISTRIBUTIONS,
  };
  await db
    .insertInto("domain")
    .values({ id: uuid7(), name: "default", ...values })
    .onConflict((conflict) => conflict.column("name").doUpdateSet(values))
    .execute();
}

/** @throws `ValidationError` (400) for a store that cannot be had here, or a name that is taken. */
export async function createDomain(ctx: Ctx, input: NewDomain, trx?: Trx): Promise<string> {
  checkDomainName(input.name);
  requireBackend(ctx, input.store);
  const id = uuid7();
  const values = { ...columnsOf(ctx, input), id, name: input.name };
  await (trx ?? ctx.db)
    .insertInto("domain")
    .values({ storage_class: input.store.storageClass, ...values })
    .execute()
    .catch(rethrow(domainConstraints));
  return id;
}

/**
 * Changes what is given. A changed store is used by every process within a second; files that are
 * being stored meanwhile are placed again. What lies in the old store is not moved.
 *
 * @throws `ValidationError` as `createDomain`; `domainErrors.gone`.
 */
export async function updateDomain(ctx: Ctx, domain: DomainRef, patch: DomainPatch): Promise<void> {
  if (patch.name !== undefined) checkDomainName(patch.name);
  if (patch.store) requireBackend(ctx, patch.store);
  const changed = await ctx.db
    .transaction()
    .execute(async (trx) => {
      const { numUpdatedRows } = await trx
        .updateTable("domain")
        .set({ ...columnsOf(ctx, patch), updated: sql`clock_timestamp()` })
        .$if(patch.store !== undefined, (query) =>
          query.set({ storage_epoch: sql<number>`storage_epoch + 1` }),
        )
        .where("num", "=", domain.num)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) throw domainErrors.gone(domain.name);
      return announce(trx, domain, { isWholeDomain: true });
    })
    .catch(rethrow(domainConstraints));
  announceAfterCommit(ctx, domain, changed);
}

/** @throws `ValidationError` (400) for a class that this program cannot reach. */
export function requireBackend(ctx: Ctx, store: StoreSettings): void {
  if (!ctx.openStore(store)) throw backendMissing();
}

function columnsOf(ctx: Ctx, { store, ...patch }: DomainPatch) {
  return {
    ...(patch.name === undefined ? {} : { name: patch.name }),
    ...(patch.description === undefined ? {} : { description: patch.description }),
    ...(patch.labels === undefined ? {} : { labels: JSON.stringify(patch.labels) }),
    ...(patch.redirectsToStore === undefined
      ? {}
      : { redirect_to_object_storage: patch.redirectsToStore }),
    ...(patch.hidesGuarded === undefined ? {} : { hide_guarded_distributions: patch.hidesGuarded }),
    ...(store === undefined
      ? {}
      : {
          storage_class: store.storageClass,
          storage_settings: JSON.stringify(sealOptions(store.options, ctx.secrets)),
        }),
  };
}

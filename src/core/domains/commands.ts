import { uuid7 } from "#base/uuid7.ts";
import type { Settings } from "#platform/config/settings.ts";
import type { Db } from "../ctx.ts";

const FILE_SYSTEM = "pulpcore.app.models.storage.FileSystem";

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

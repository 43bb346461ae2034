import type { JsonObject } from "#base/json.ts";
import type { Db, Executor } from "#sdk";

/** Rows of the plugin beside those of the core. */
export type FileTables = {
  readonly file_repository: {
    readonly id: string;
    readonly domain: number;
    readonly autopublish: boolean;
    readonly manifest: string | null;
    readonly last_sync_details: JsonObject;
  };
  readonly file_publication: {
    readonly id: string;
    readonly domain: number;
    readonly manifest: string | null;
  };
};

/** The same connection, knowing the plugin's tables too. */
export const fileDb = (db: Executor) => (db as Db).withTables<FileTables>();

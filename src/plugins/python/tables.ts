import type { Db, Executor } from "#sdk";

/** Rows of the plugin beside those of the core. */
export type PythonTables = {
  readonly python_repository: {
    readonly id: string;
    readonly domain: number;
    readonly autopublish: boolean;
    readonly allow_package_substitution: boolean;
    readonly error_on_reject: boolean;
  };
};

/** The same connection, knowing the plugin's tables too. */
export const pythonDb = (db: Executor) => (db as Db).withTables<PythonTables>();

import type { RepositoryType } from "#sdk";

/** An open transaction, as commands take one. */
export type Trx = Parameters<NonNullable<RepositoryType["finalizeVersion"]>>[0];

import type { Kysely } from "kysely";
import { tellFirstStatistics } from "#sdk";

/** Expand step: packages differ in their file and its digest, some share a name or a version. */
export const up = (db: Kysely<unknown>): Promise<void> =>
  tellFirstStatistics(db, "python_package", [
    { name: "domain", distinct: 1, bytes: 4 },
    { name: "id", distinct: -1, bytes: 16 },
    { name: "filename", distinct: -1, bytes: 32 },
    { name: "sha256", distinct: -1, bytes: 33 },
    { name: "name_normalized", distinct: -0.05, bytes: 12 },
    { name: "version", distinct: -0.05, bytes: 6 },
  ]);

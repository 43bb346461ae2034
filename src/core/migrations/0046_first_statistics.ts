import type { Kysely } from "kysely";
import { tellFirstStatistics } from "../first-statistics.ts";

/** Expand step: keys of units differ, domains and types are few. */
export const up = (db: Kysely<unknown>): Promise<void> =>
  tellFirstStatistics(db, "content", [
    { name: "domain", distinct: 1, bytes: 4 },
    { name: "type", distinct: 2, bytes: 2 },
    { name: "natural_key", distinct: -1, bytes: 33 },
    { name: "id", distinct: -1, bytes: 16 },
  ]);

import { type Kysely, sql } from "kysely";

/** Expand step: every process of the content app keeps the list of what was found infected. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index malware_scan_infected on malware_scan (domain, artifact_sha256)
    where status = 'infected'`.execute(db);
}

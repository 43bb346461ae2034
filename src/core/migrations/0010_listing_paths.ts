import { type Kysely, sql } from "kysely";

/**
 * Expand step: the content app asks whether files lie below a path (a directory without its slash),
 * and lists directories; without the order of paths each such question reads all members.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index content_artifact_below on content_artifact (domain, relative_path)`.execute(
    db,
  );
}

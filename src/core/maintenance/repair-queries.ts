import { sql } from "kysely";
import { findArtifacts } from "../artifacts/queries.ts";
import type { StoredArtifact } from "../artifacts/types.ts";
import type { DomainRef, Executor } from "../ctx.ts";

const BATCH = 500;
const FIRST_ID = "00000000-0000-0000-0000-000000000000";

/** Files of units that have the artifact; a few are enough to find a source. */
export async function filesOfArtifact(
  db: Executor,
  domain: DomainRef,
  artifact: string,
): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    select f.id from content_artifact f
    where f.domain = ${domain.num} and f.artifact = ${artifact}
      and exists (select from remote_artifact r
        where r.domain = f.domain and r.content_artifact = f.id)
    order by f.id limit 20`.execute(db);
  return rows.map(({ id }) => id);
}

/** Every artifact of the domain, in batches. */
export async function* artifactsOfDomain(
  db: Executor,
  domain: DomainRef,
): AsyncGenerator<StoredArtifact[]> {
  let after = FIRST_ID;
  for (;;) {
    const { rows } = await sql<{ id: string }>`
      select id from artifact where domain = ${domain.num} and id > ${after}
      order by id limit ${BATCH}`.execute(db);
    const last = rows.at(-1);
    if (!last) return;
    yield await stored(
      db,
      domain,
      rows.map(({ id }) => id),
    );
    after = last.id;
  }
}

/** The stored files of a version's units, in batches; none for a version without units. */
export async function* artifactsOfVersion(
  db: Executor,
  domain: DomainRef,
  versionId: string,
): AsyncGenerator<StoredArtifact[]> {
  let after = FIRST_ID;
  for (;;) {
    const { rows } = await sql<{ content: string; artifacts: string[] }>`
      select m.content, array(
        select f.artifact from content_artifact f
        where f.domain = m.domain and f.content = m.content and f.artifact is not null) as artifacts
      from repository_version v join membership m
        on m.repository = v.repository and m.added <= v.number and m.removed > v.number
      where v.domain = ${domain.num} and v.id = ${versionId} and m.content > ${after}
      order by m.content limit ${BATCH}`.execute(db);
    const last = rows.at(-1);
    if (!last) return;
    yield await stored(db, domain, [...new Set(rows.flatMap(({ artifacts }) => artifacts))]);
    after = last.content;
  }
}

const stored = async (
  db: Executor,
  domain: DomainRef,
  ids: readonly string[],
): Promise<StoredArtifact[]> => [...(await findArtifacts(db, domain, ids)).values()];

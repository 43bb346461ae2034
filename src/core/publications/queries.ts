import { sql } from "kysely";
import type { DomainRef, Executor } from "../ctx.ts";
import type { PublicationRef } from "./types.ts";

/** What a command has to know of a publication and of the repository behind it. */
export interface PublicationFacts extends PublicationRef {
  readonly isComplete: boolean;
  readonly layout: string;
  /** `repository.id` */
  readonly repository: string;
  readonly repositoryNum: number;
  readonly number: number;
  readonly retainCheckpoints: number | null;
}

interface FactsRow {
  readonly id: string;
  readonly type: string;
  readonly version: string;
  readonly complete: boolean;
  readonly layout: string;
  readonly repository: string;
  readonly num: number;
  readonly number: number;
  readonly retain_checkpoints: number | null;
}

/** The publication, locked against other writers of it; undefined if it is gone. */
export async function lockPublication(
  db: Executor,
  domain: DomainRef,
  id: string,
): Promise<PublicationFacts | undefined> {
  const { rows } = await sql<FactsRow>`
    select p.id, p.type, p.version, p.complete, p.layout, r.id as repository, r.num, v.number,
      r.retain_checkpoints
    from publication p
    join repository_version v on v.id = p.version
    join repository r on r.num = v.repository
    where p.domain = ${domain.num} and p.id = ${id}
    for no key update of p`.execute(db);
  const [row] = rows;
  if (!row) return undefined;
  return {
    id: row.id,
    domain,
    type: row.type,
    version: row.version,
    isComplete: row.complete,
    layout: row.layout,
    repository: row.repository,
    repositoryNum: row.num,
    number: row.number,
    retainCheckpoints: row.retain_checkpoints,
  };
}

export interface PathProblem {
  readonly path: string;
  readonly other: string;
}

/**
 * Paths of a publication that are equal or of which one lies below the other, 100 at most. Sorted
 * with a slash at the end, everything below a path follows it at once, so neighbours tell.
 */
export async function pathProblems(
  db: Executor,
  publication: PublicationFacts,
): Promise<readonly PathProblem[]> {
  const passed = sql`
    select f.relative_path, f.artifact from membership m
    join content_artifact f on f.domain = m.domain and f.content = m.content
    where m.repository = ${publication.repositoryNum} and m.added <= ${publication.number}
      and m.removed > ${publication.number}`;
  const { rows } = await sql<PathProblem>`
    with published as (
      select p.relative_path, coalesce(p.artifact, f.artifact) as artifact
      from publication_path p left join content_artifact f
        on f.domain = p.domain and f.id = p.content_artifact
      where p.publication = ${publication.id}
      ${publication.layout === "pass_through" ? sql`union ${passed}` : sql``}),
    neighbours as (
      select relative_path::text as path,
        lag(relative_path::text) over (order by relative_path || '/' collate "C") as other
      from published)
    select path, other from neighbours where starts_with(path || '/', other || '/')
    order by path limit 100`.execute(db);
  return rows;
}

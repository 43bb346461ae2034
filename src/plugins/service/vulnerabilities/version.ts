import { type Ctx, sql } from "#sdk";

/** A version whose packages are asked about. */
export interface ReportedVersion {
  readonly domain: number;
  /** `repository.num` */
  readonly repository: number;
  readonly number: number;
  /** `repository.id` */
  readonly repositoryId: string;
  readonly type: string;
  readonly labels: Readonly<Record<string, string | null>>;
}

/** @param id `repository_version.id`; undefined if there is no such version, or it is not complete. */
export async function reportedVersion(
  { db }: Pick<Ctx, "db">,
  id: string,
): Promise<ReportedVersion | undefined> {
  const { rows } = await sql<ReportedVersion>`
    select v.domain, v.repository, v.number, r.id as "repositoryId", r.type, r.labels
    from repository_version v join repository r on r.num = v.repository
    where v.id = ${id}::uuid and v.complete`.execute(db);
  return rows[0];
}

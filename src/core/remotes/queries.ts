import { type Selectable, sql } from "kysely";
import type { Ctx, DomainRef, Executor } from "../ctx.ts";
import type { RemoteTable } from "./table.ts";
import type { SourceRow } from "./types.ts";

export type RemoteRow = Selectable<RemoteTable>;

/** The remote with its sealed secrets, or undefined. */
export function remoteById(
  db: Executor,
  domain: DomainRef,
  id: string,
): Promise<RemoteRow | undefined> {
  return db
    .selectFrom("remote")
    .selectAll()
    .where("domain", "=", domain.num)
    .where("id", "=", id)
    .executeTakeFirst();
}

/**
 * Where a file that is not stored can be had, best first: alternate content sources that know its
 * digest, then its own remotes. Sources that failed within the cool-down are left out.
 *
 * @param contentArtifact `content_artifact.id`
 */
export async function fileSources(
  ctx: Pick<Ctx, "db" | "settings">,
  domain: DomainRef,
  contentArtifact: string,
): Promise<SourceRow[]> {
  const { rows } = await sql<SourceRow>`
    with own as materialized (
      select * from remote_artifact
      where domain = ${domain.num} and content_artifact = ${contentArtifact}
    ), known as (
      select distinct sha256 from own where sha256 is not null
    ), alternate as (
      select distinct on (r.remote) r.* from remote_artifact r
      join alternate_content_source s on s.domain = r.domain and s.remote = r.remote
      where r.domain = ${domain.num} and r.sha256 in (select sha256 from known)
      order by r.remote, r.failed_at nulls first
    )
    select f.content_artifact, f.remote, m.policy, f.url, f.size, f.sha256, f.other_digests, f.is_acs
    from (
      select *, true as is_acs from alternate
      union all
      select *, false from own where remote not in (select remote from alternate)
    ) f join remote m on m.id = f.remote
    where f.failed_at is null or f.failed_at < clock_timestamp()
      - make_interval(secs => ${ctx.settings.REMOTE_CONTENT_FETCH_FAILURE_COOLDOWN})
    order by f.is_acs desc, f.remote`.execute(ctx.db);
  return rows;
}

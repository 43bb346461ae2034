import { prn } from "#base/prn.ts";
import { type Job, type Json, sql, type VersionRef } from "#sdk";

type Counts = Readonly<
  Record<"added" | "removed" | "present", Readonly<Record<string, number>> | undefined>
>;

/** What tasks tell of the version that they made: as REST shows it (plugin-container §§4.6, 5). */
export async function versionResult(
  { ctx, caller: { domain } }: Job,
  { id, number, repository }: VersionRef,
): Promise<Json> {
  const { API_ROOT, DOMAIN_ENABLED } = ctx.settings;
  const { path } = ctx.plugins.entity("repository", repository.type);
  const root = `${API_ROOT}${DOMAIN_ENABLED ? `${domain.name}/` : ""}api/v3/`;
  const own = `${root}${path}/${repository.id}/`;
  const href = `${own}versions/${number}/`;
  const { rows } = await sql<{ counts: Counts; created: string; updated: string }>`
    select counts, created, updated from repository_version
    where domain = ${domain.num} and id = ${id}`.execute(ctx.db);
  const [row] = rows;
  if (!row) throw new Error(`Repository version ${id} does not exist.`);
  const summary = (key: keyof Counts, filter: string): Json =>
    Object.fromEntries(
      Object.entries(row.counts[key] ?? {}).map(([type, count]) => {
        const list = `${root}${ctx.plugins.entity("content", type).path}/`;
        return [type, { count, href: `${list}?${filter}=${href}` }];
      }),
    );
  const name = prn("core.RepositoryVersion", id);
  return {
    pulp_href: href,
    prn: name,
    pulp_created: row.created,
    pulp_last_updated: row.updated,
    number,
    repository: own,
    base_version: null,
    content_summary: {
      added: summary("added", "repository_version_added"),
      removed: summary("removed", "repository_version_removed"),
      present: summary("present", "repository_version"),
    },
    vuln_report: `${root}vuln_report/?repo_versions=${name}`,
  };
}

import { prn } from "#base/prn.ts";
import type { Job, Json, VersionRef } from "#sdk";

/** What tasks tell of the version that they made, in the words of REST. */
export function versionResult({ ctx, caller }: Job, { id, number, repository }: VersionRef): Json {
  const { API_ROOT: root, DOMAIN_ENABLED: hasDomains } = ctx.settings;
  const { path } = ctx.plugins.entity("repository", repository.type);
  const base = `${root}${hasDomains ? `${caller.domain.name}/` : ""}api/v3/${path}/${repository.id}/`;
  return {
    pulp_href: `${base}versions/${number}/`,
    prn: prn("core.RepositoryVersion", id),
    number,
    repository: base,
  };
}

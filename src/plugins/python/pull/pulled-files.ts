import type { Ctx, DomainRef } from "#sdk";
import { sql } from "#sdk";
import type { ProjectFile } from "../index/members.ts";
import { candidatesOf } from "../mirror/filters.ts";
import { metadataDigest } from "../mirror/package-row.ts";
import { projectRule } from "../mirror/releases.ts";
import { type RulesOfProject, rulesOf } from "../mirror/rules.ts";
import { pullKey } from "./key.ts";
import { pullQuery } from "./link.ts";
import { upstreamFiles } from "./upstream-pages.ts";

export interface RemoteRow {
  readonly id: string;
  readonly changed: string;
  readonly includes: readonly string[] | null;
  readonly excludes: readonly string[] | null;
}

/**
 * The files that the remote of a distribution offers for a project, with addresses of ours that
 * fetch them (plugin-python §11). Only the lists of projects of the remote filter them.
 *
 * @param name normalised.
 * @param content address of the distribution's files, with a slash at the end.
 */
export async function pulledFiles(
  ctx: Ctx,
  of: { readonly domain: DomainRef; readonly distribution: string; readonly content: string },
  name: string,
): Promise<ProjectFile[]> {
  const { domain } = of;
  const remote = await remoteOf(ctx, of);
  if (!remote) return [];
  const lists = listsOf(remote)(name);
  if (lists.isOut) return [];
  const key = { domain, remote: remote.id, changed: remote.changed, name };
  const candidates = candidatesOf(name, await upstreamFiles(ctx, key));
  const secret = await pullKey(ctx, domain);
  return candidates
    .filter(({ parsed }) => lists.takes(parsed.version))
    .map(({ file, parsed }): ProjectFile => {
      const { filename } = file;
      const sha256 = file.hashes.sha256 ?? null;
      const url = file.url.split("?")[0] ?? "";
      const query = pullQuery(secret, { remote: remote.id, filename, url, sha256 });
      return {
        filename,
        name,
        version: parsed.version,
        sha256,
        size: file.size,
        requires_python: file.requiresPython ?? "",
        metadata_sha256: metadataDigest(file.coreMetadata) ?? null,
        at: inUtc(file.uploadTime),
        yanked_reason: file.yanked,
        has_provenance: false,
        upstream: {
          url: `${of.content}${encodeURIComponent(filename)}?${query}`,
          hasMetadata: file.coreMetadata !== false,
          provenance: file.provenance,
        },
      };
    });
}

/** As pages tell times; upstream may tell them with an offset. */
const inUtc = (time: string | null): string | null =>
  time === null || time.endsWith("Z") ? time : new Date(time).toISOString();

/** Files of the repository stand for upstream's of the same name. */
export function joinedFiles(
  local: readonly ProjectFile[],
  upstream: readonly ProjectFile[],
): ProjectFile[] {
  const files = new Map(upstream.map((file) => [file.filename, file]));
  for (const file of local) files.set(file.filename, file);
  return [...files.values()].sort((a, b) => (a.filename < b.filename ? -1 : 1));
}

/** The remote of a distribution with its lists of projects; undefined without one. */
export async function remoteOf(
  ctx: Ctx,
  { domain, distribution }: { readonly domain: DomainRef; readonly distribution: string },
): Promise<RemoteRow | undefined> {
  const { rows } = await sql<RemoteRow>`
    select r.id, r.updated as changed, p.includes, p.excludes
    from distribution x join remote r on r.domain = x.domain and r.id = x.remote
    left join python_remote p on p.id = r.id
    where x.domain = ${domain.num} and x.id = ${distribution}`.execute(ctx.db);
  return rows[0];
}

/** What the lists of a remote say about each project. */
export function listsOf(
  remote: Pick<RemoteRow, "includes" | "excludes">,
): (name: string) => RulesOfProject {
  const includes = (remote.includes ?? []).map(projectRule);
  const excludes = (remote.excludes ?? []).map(projectRule);
  return (name) => rulesOf({ includes, excludes }, name);
}

import type { Ctx, DomainRef } from "#sdk";
import { sql } from "#sdk";
import { NO_FACTS, type ProjectFacts } from "../format/project-facts.ts";
import type { ProjectFile } from "../index/members.ts";
import type { Withheld } from "../index/shown.ts";
import { type Candidate, candidatesOf } from "../mirror/filters.ts";
import { metadataDigest } from "../mirror/package-row.ts";
import { ageRefusal } from "../mirror/release-age.ts";
import { projectRule } from "../mirror/releases.ts";
import { type RulesOfProject, rulesOf } from "../mirror/rules.ts";
import { pullKey } from "./key.ts";
import { type PulledLink, pullQuery } from "./link.ts";
import { type PageKey, upstreamPage } from "./upstream-pages.ts";

export interface RemoteRow {
  readonly id: string;
  readonly changed: string;
  readonly includes: readonly string[] | null;
  readonly excludes: readonly string[] | null;
  /** Hours that a file has to be upstream before it is taken. */
  readonly age: number;
}

/** What the remote of a distribution offers of a project. */
export interface Offer {
  /** With addresses of ours that fetch them. */
  readonly files: readonly ProjectFile[];
  /** What upstream has and is not taken yet. */
  readonly withheld: readonly Withheld[];
  /** What upstream says of the project. */
  readonly facts: ProjectFacts;
  /** Upstream cannot be asked. */
  readonly isDown: boolean;
}

const NOTHING: Offer = { files: [], withheld: [], facts: NO_FACTS, isDown: false };

/**
 * What the remote of a distribution offers of a project (plugin-python §11). Only its lists of
 * projects and the age of files filter it.
 *
 * @param name normalised.
 * @param content address of the distribution's files, with a slash at the end.
 */
export async function pulledFiles(
  ctx: Ctx,
  of: { readonly domain: DomainRef; readonly distribution: string; readonly content: string },
  name: string,
): Promise<Offer> {
  const { domain } = of;
  const remote = await remoteOf(ctx, of);
  if (!remote) return NOTHING;
  const lists = listsOf(remote)(name);
  if (lists.isOut) return NOTHING;
  const page = await upstreamPage(ctx, pageKey(domain, remote, name));
  const secret = await pullKey(ctx, domain);
  const age = { hours: remote.age, nowMs: ctx.clock.now() };
  const files: ProjectFile[] = [];
  const withheld: Withheld[] = [];
  for (const candidate of candidatesOf(name, page.files)) {
    const { file, parsed } = candidate;
    if (!lists.takes(parsed.version)) continue;
    const reason = ageRefusal(file.uploadTime, age);
    if (reason !== undefined) withheld.push({ version: parsed.version, reason });
    else {
      const query = pullQuery(secret, linkOf(candidate, remote.id));
      const url = `${of.content}${encodeURIComponent(file.filename)}?${query}`;
      files.push(offered(candidate, { name, url, remote }));
    }
  }
  return { files, withheld, facts: page.facts, isDown: page.isDown === true };
}

export const pageKey = (domain: DomainRef, remote: RemoteRow, name: string): PageKey => ({
  domain,
  remote: remote.id,
  changed: remote.changed,
  name,
});

const linkOf = ({ file }: Candidate, remote: string): PulledLink => ({
  remote,
  filename: file.filename,
  url: file.url.split("?")[0] ?? "",
  sha256: file.hashes.sha256 ?? null,
});

const offered = (
  { file, parsed }: Candidate,
  of: { readonly name: string; readonly url: string; readonly remote: RemoteRow },
): ProjectFile => ({
  filename: file.filename,
  name: of.name,
  version: parsed.version,
  sha256: file.hashes.sha256 ?? null,
  size: file.size,
  requires_python: file.requiresPython ?? "",
  metadata_sha256: metadataDigest(file.coreMetadata) ?? null,
  at: inUtc(file.uploadTime),
  yanked_reason: file.yanked,
  has_provenance: false,
  upstream: {
    url: of.url,
    hasMetadata: file.coreMetadata !== false,
    provenance: file.provenance,
    remote: { id: of.remote.id, changed: of.remote.changed },
  },
});

/** As pages tell times; upstream may tell them with an offset. */
const inUtc = (time: string | null): string | null =>
  time === null || time.endsWith("Z") ? time : new Date(time).toISOString();

/** The remote of a distribution with its lists of projects; undefined without one. */
export async function remoteOf(
  ctx: Ctx,
  { domain, distribution }: { readonly domain: DomainRef; readonly distribution: string },
): Promise<RemoteRow | undefined> {
  const { rows } = await sql<RemoteRow>`
    select r.id, r.updated as changed, p.includes, p.excludes,
      coalesce(p.minimum_release_age_hours, 0) as age
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

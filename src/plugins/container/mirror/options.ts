import type { DomainRef, Executor, Policy } from "#sdk";
import { sql } from "#sdk";
import type { TagRules } from "./select.ts";

/** What a remote says of its repository besides the connection. */
export interface MirrorOptions extends TagRules {
  readonly upstreamName: string;
  /** Base URL of a lookaside store of signatures. */
  readonly sigstore: string | null;
  /** `os/architecture[/variant]` of the children of indexes that are taken; empty takes all. */
  readonly platforms: readonly string[];
}

/** @param remote `remote.id` */
export async function mirrorOptions(
  db: Executor,
  domain: DomainRef,
  remote: string,
): Promise<MirrorOptions> {
  const { rows } = await sql<{
    upstream_name: string;
    includes: string[] | null;
    excludes: string[] | null;
    sigstore: string | null;
    platforms: string[] | null;
  }>`
    select upstream_name, includes, excludes, sigstore, platforms from container_remote
    where domain = ${domain.num} and id = ${remote}`.execute(db);
  const [row] = rows;
  if (!row) throw new Error(`Remote ${remote} has no upstream name.`);
  return {
    upstreamName: row.upstream_name,
    includes: row.includes ?? [],
    excludes: row.excludes ?? [],
    sigstore: row.sigstore,
    platforms: row.platforms ?? [],
  };
}

/** The version that a repository had when a sync began. */
export interface CurrentVersion {
  readonly domain: DomainRef;
  /** `repository.num` */
  readonly repository: number;
  readonly number: number;
}

/** @param repository `repository.id` */
export async function currentVersion(
  db: Executor,
  domain: DomainRef,
  repository: string,
): Promise<CurrentVersion> {
  const { rows } = await sql<{ repository: number; number: number }>`
    select r.num as repository, v.number from repository r
    join repository_version v on v.domain = r.domain and v.repository = r.num and v.complete
    where r.domain = ${domain.num} and r.id = ${repository}
    order by v.number desc limit 1`.execute(db);
  const [row] = rows;
  if (!row) throw new Error(`Repository ${repository} has no version.`);
  return { domain, ...row };
}

/** Layers stay at the upstream until somebody wants them. */
export const isDeferred = (policy: Policy): boolean => policy !== "immediate";

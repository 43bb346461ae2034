import { createHash } from "node:crypto";
import type { Ctx, DomainRef, Executor, RemoteSession } from "#sdk";
import { sql } from "#sdk";
import { normalizeName } from "../format/names.ts";
import { projectRule } from "./releases.ts";
import type { MirrorRules } from "./rules.ts";
import { releasesAsked } from "./settings.ts";

/** What a remote takes, and whether with provenance. */
export interface MirrorOptions extends MirrorRules {
  readonly provenance: boolean;
  /** Hours that a file has to be upstream before it is taken; 0 is no rule. */
  readonly ageHours: number;
}

interface RemoteOptionsRow {
  readonly includes: readonly string[];
  readonly excludes: readonly string[];
  readonly prereleases: boolean;
  readonly package_types: readonly string[];
  readonly keep_latest_packages: number;
  readonly exclude_platforms: readonly string[];
  readonly provenance: boolean;
  readonly age: number;
}

/** Options of a remote of this plugin; one of another plugin takes everything. */
export async function mirrorOptions(
  db: Executor,
  domain: DomainRef,
  remote: string,
): Promise<MirrorOptions> {
  const { rows } = await sql<RemoteOptionsRow>`
    select includes, excludes, prereleases, package_types, keep_latest_packages, exclude_platforms,
      provenance, minimum_release_age_hours as age
    from python_remote where domain = ${domain.num} and id = ${remote}`.execute(db);
  const [row] = rows;
  return {
    includes: (row?.includes ?? []).map(projectRule),
    excludes: (row?.excludes ?? []).map(projectRule),
    prereleases: row?.prereleases ?? true,
    packageTypes: row?.package_types ?? [],
    keepLatest: row?.keep_latest_packages ?? 0,
    excludePlatforms: row?.exclude_platforms ?? [],
    provenance: row?.provenance ?? false,
    ageHours: row?.age ?? 0,
  };
}

/** Digest of all that decides what a sync of this remote takes. */
export async function syncFingerprint(
  ctx: Pick<Ctx, "db" | "settings">,
  domain: DomainRef,
  sync: { readonly remote: RemoteSession; readonly mirror: boolean },
): Promise<Buffer> {
  const { id, url, policy } = sync.remote;
  const { rows } = await sql<{ options: unknown }>`
    select to_jsonb(r) as options from python_remote r
    where r.domain = ${domain.num} and r.id = ${id}`.execute(ctx.db);
  const facts = [id, url, policy, sync.mirror, releasesAsked(ctx), rows[0]?.options ?? null];
  return createHash("sha256").update(JSON.stringify(facts)).digest();
}

/** The projects that `includes` names, each once. */
export const includedNames = ({ includes }: Pick<MirrorRules, "includes">): string[] => [
  ...new Set(includes.map(({ name }) => normalizeName(name))),
];

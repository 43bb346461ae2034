import { type Executor, type RepositoryType, sql } from "#sdk";
import { containerErrors } from "../errors.ts";
import { matchesAny, matchesGlob } from "../mirror/glob.ts";
import type { Trx } from "../trx.ts";

type Draft = Parameters<NonNullable<RepositoryType["finalizeVersion"]>>[1];

/** Tags of a repository that stay what they are, as globs. */
export interface ImmutableTags {
  readonly patterns: readonly string[];
  /** Tags that may change though a pattern has them. */
  readonly except: readonly string[];
}

/** The pattern that keeps a tag what it is; undefined where none does. */
export function keepingPattern(
  { patterns, except }: ImmutableTags,
  tag: string,
): string | undefined {
  if (matchesAny(except, tag)) return undefined;
  return patterns.find((pattern) => matchesGlob(pattern, tag));
}

/** The columns of `container_repository` as they are read. */
export interface ImmutableColumns {
  readonly immutable_tags: readonly string[];
  readonly immutable_tags_except: readonly string[];
}

export const immutableTagsOf = (row: ImmutableColumns): ImmutableTags => ({
  patterns: row.immutable_tags,
  except: row.immutable_tags_except,
});

/** What a repository says of its tags. */
export async function immutableTags(
  db: Executor,
  repository: { readonly id: string },
): Promise<ImmutableTags> {
  const { rows } = await sql<ImmutableColumns>`
    select immutable_tags, immutable_tags_except from container_repository
    where id = ${repository.id}`.execute(db);
  return rows[0] ? immutableTagsOf(rows[0]) : { patterns: [], except: [] };
}

/** The last version's members have no end. */
const OPEN = 2_147_483_647;

/**
 * Asked in the transaction that completes a version, whoever makes it: a client that pushes or
 * deletes, a request over REST, a sync.
 *
 * @throws `containerErrors.immutableTag` (409) if the version moves or removes a tag that stays,
 *   `immutableImage` (409) if it removes something that such a tag needs.
 */
export async function refuseChangedTags(
  trx: Trx,
  { repository, n }: Draft,
  rule: ImmutableTags,
): Promise<void> {
  const { going, losing } = await changedTags(trx, { ...repository, n });
  for (const tag of going) {
    const pattern = keepingPattern(rule, tag);
    if (pattern !== undefined) throw containerErrors.immutableTag(tag, pattern);
  }
  for (const tag of losing) {
    const pattern = keepingPattern(rule, tag);
    if (pattern !== undefined) throw containerErrors.immutableImage(tag, pattern);
  }
}

interface Change {
  readonly domain: number;
  /** `repository.num` */
  readonly num: number;
  /** Number of the version. */
  readonly n: number;
}

interface ChangedTags {
  /** Names that the version takes from what they named. */
  readonly going: readonly string[];
  /** Names of the version whose manifests need a manifest or a blob that it removes. */
  readonly losing: readonly string[];
}

/** From what the version removes upwards: to images, to indexes, to tags. */
async function changedTags(trx: Trx, { domain, num, n }: Change): Promise<ChangedTags> {
  const isMember = (unit: string) => sql`exists (
    select from membership m where m.repository = ${num} and m.content = ${sql.ref(unit)}
      and m.removed = ${OPEN})`;
  const { rows } = await sql<{ [Key in keyof ChangedTags]: ChangedTags[Key] | null }>`
    with recursive closed as materialized (
      select content from membership where repository = ${num} and removed = ${n}),
    above (manifest) as (
      select r.manifest from closed k
      cross join lateral (
        select digest from container_manifest where domain = ${domain} and id = k.content
        union all
        select digest from container_blob where domain = ${domain} and id = k.content) x
      join container_reference r on r.domain = ${domain} and r.digest = x.digest
      where ${isMember("r.manifest")}
      union
      select r.manifest from above a
      join container_manifest c on c.domain = ${domain} and c.id = a.manifest
      join container_reference r on r.domain = ${domain} and r.digest = c.digest
        and r.kind = 'child'
      where ${isMember("r.manifest")})
    select
      (select array_agg(t.name) from closed k
        join container_tag t on t.domain = ${domain} and t.id = k.content) as going,
      (select array_agg(distinct t.name) from above a
        join container_tag t on t.domain = ${domain} and t.manifest = a.manifest
        where ${isMember("t.id")}) as losing`.execute(trx);
  const { going = null, losing = null } = rows[0] ?? {};
  return { going: going ?? [], losing: losing ?? [] };
}

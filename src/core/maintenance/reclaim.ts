import { sql } from "kysely";
import { crashPoint } from "#base/crash-points.ts";
import { removeUnusedArtifacts } from "../artifacts/commands.ts";
import type { Ctx, DomainRef } from "../ctx.ts";
import { announce, announceAfterCommit } from "../distributions/commands.ts";
import type { Job, Progress } from "../plugin-contract.ts";
import { inTransaction } from "../transaction.ts";

const BATCH = 2000;
const FIRST_ID = "00000000-0000-0000-0000-000000000000";

export interface ReclaimRequest {
  readonly domain: DomainRef;
  /** `repository.id`s; every repository of the domain without it. */
  readonly repositories?: readonly string[];
  /** `repository_version.id`s whose files stay. */
  readonly keptVersions: readonly string[];
  /** Also drops files of units that other repositories have. */
  readonly force: boolean;
}

interface Scope extends ReclaimRequest {
  /** Repositories by number. */
  readonly nums: readonly number[];
  /** `content_type.num`s that opted in. */
  readonly types: readonly number[];
  readonly kept: { readonly repositories: readonly number[]; readonly numbers: readonly number[] };
}

/**
 * Drops stored files of units that can be downloaded again and that only the given repositories
 * have (core-content §10). The units stay; their files come back when they are asked for.
 */
export async function reclaimSpace(
  job: Job,
  request: ReclaimRequest,
  report: Progress,
): Promise<void> {
  const { ctx, signal } = job;
  const repositories = await repositoriesOf(ctx, request);
  const scope: Scope = {
    ...request,
    nums: repositories.map(({ num }) => num),
    types: reclaimableTypes(ctx),
    kept: await versionsOf(ctx, request),
  };
  let total = 0;
  for (const repository of repositories) {
    let after = FIRST_ID;
    for (let isLast = false; !isLast; ) {
      signal.throwIfAborted();
      const batch = await dropFiles(ctx, scope, { repository, after });
      total += batch.dropped;
      report.setTotal(total);
      report.add(batch.dropped);
      isLast = batch.last === undefined;
      after = batch.last ?? after;
    }
  }
}

interface RepositoryRow {
  readonly id: string;
  readonly num: number;
}

function repositoriesOf(
  { db }: Ctx,
  { domain, repositories }: ReclaimRequest,
): Promise<RepositoryRow[]> {
  const all = db
    .selectFrom("repository")
    .select(["id", "num"])
    .where("domain", "=", domain.num)
    .orderBy("num");
  return (repositories ? all.where("id", "in", [...repositories, FIRST_ID]) : all).execute();
}

async function versionsOf({ db }: Ctx, { domain, keptVersions }: ReclaimRequest) {
  const rows = await db
    .selectFrom("repository_version")
    .select(["repository", "number"])
    .where("domain", "=", domain.num)
    .where("id", "in", [...keptVersions, FIRST_ID])
    .execute();
  return {
    repositories: rows.map(({ repository }) => repository),
    numbers: rows.map(({ number }) => number),
  };
}

const reclaimableTypes = ({ plugins }: Ctx): number[] =>
  plugins.all.flatMap(({ contentTypes }) =>
    contentTypes.flatMap(({ reclaimable, type }) =>
      reclaimable ? [plugins.contentTypeNum(type)] : [],
    ),
  );

interface BatchPlace {
  readonly repository: RepositoryRow;
  /** Units after this one. */
  readonly after: string;
}

async function dropFiles(
  ctx: Ctx,
  scope: Scope,
  { repository, after }: BatchPlace,
): Promise<{ dropped: number; last: string | undefined }> {
  const { domain } = scope;
  const units = await unitsAfter(ctx, repository, after);
  if (units.length === 0) return { dropped: 0, last: undefined };
  const { artifacts, distributions } = await inTransaction(ctx, undefined, async (trx) => {
    const { rows } = await sql<{ artifact: string }>`
      with file as (
        select f.id, f.artifact
        from content_artifact f join content c on c.domain = f.domain and c.id = f.content
        where f.domain = ${domain.num} and f.content = any(${units}::uuid[])
          and f.artifact is not null and c.type = any(${scope.types}::smallint[])
          and ${notNeeded(scope)}
          and exists (select from remote_artifact r
            where r.domain = f.domain and r.content_artifact = f.id)
        order by f.id for no key update of f)
      update content_artifact f set artifact = null from file
      where f.domain = ${domain.num} and f.id = file.id returning file.artifact`.execute(trx);
    const selector = { repository: repository.id };
    const changed = rows.length > 0 ? await announce(trx, domain, selector) : [];
    return { artifacts: rows.map((row) => row.artifact), distributions: changed };
  });
  announceAfterCommit(ctx, domain, distributions);
  crashPoint("reclaim.dropped");
  const ids = [...new Set(artifacts)];
  if (ids.length > 0) await removeUnusedArtifacts(ctx, domain, { ids, limit: ids.length });
  return { dropped: artifacts.length, last: units.at(-1) };
}

async function unitsAfter(
  ctx: Ctx,
  { num }: RepositoryRow,
  after: string,
): Promise<readonly string[]> {
  const { rows } = await sql<{ content: string }>`
    select distinct content from membership
    where repository = ${num} and content > ${after}
    order by content limit ${BATCH}`.execute(ctx.db);
  return rows.map(({ content }) => content);
}

/** Nobody outside the request has the unit `c`, and no kept version. */
const notNeeded = ({ nums, kept, force }: Scope) => sql`
  not exists (
    select from membership m
    join unnest(${kept.repositories}::int[], ${kept.numbers}::int[]) as k (repository, number)
      on m.repository = k.repository and m.added <= k.number and m.removed > k.number
    where m.domain = c.domain and m.content = c.id)
  and (${force} or not exists (
    select from membership m
    where m.domain = c.domain and m.content = c.id and m.repository <> all(${nums}::int[])))`;

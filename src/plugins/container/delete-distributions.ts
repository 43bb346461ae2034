import { Type } from "@sinclair/typebox";
import {
  announceAfterCommit,
  type Ctx,
  type DomainRef,
  defineTask,
  deleteDistribution,
  deleteRepository,
  inTransaction,
  sql,
} from "#sdk";
import type { Trx } from "./trx.ts";

interface Removal {
  /** Ids. */
  readonly distributions: readonly string[];
  readonly keepRepositories?: boolean;
}

/**
 * Deletes distributions, and the repositories that only they serve (plugin-container §3.3): those of
 * pushes. What has a remote was made by hand and stays.
 *
 */
async function deleteServed(
  ctx: Ctx,
  domain: DomainRef,
  { removal, trx }: { readonly removal: Removal; readonly trx: Trx },
): Promise<readonly string[]> {
  const { distributions, keepRepositories = false } = removal;
  const repositories = keepRepositories ? [] : await ownRepositories(trx, domain, distributions);
  for (const id of distributions) await deleteDistribution(ctx, { domain, id }, trx);
  return repositories;
}

/** Repositories that are deleted with their distributions. */
async function ownRepositories(
  trx: Trx,
  domain: DomainRef,
  distributions: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    select distinct r.id from distribution x
    join repository r on r.domain = x.domain and r.id = x.repository
    where x.domain = ${domain.num} and x.id = any(${distributions}::uuid[])
      and (r.type = 'container.container-push'
        or r.type = 'container.container' and r.remote is null and not exists (
          select from distribution o where o.domain = x.domain
            and o.id <> all(${distributions}::uuid[])
            and (o.repository = r.id or o.version in (
              select v.id from repository_version v where v.repository = r.num))))`.execute(trx);
  return rows.map(({ id }) => id);
}

/** Locked by the namespace, so that nobody begins a distribution in it meanwhile. */
export async function deleteNamespace(
  {
    ctx,
    caller: { domain },
  }: { readonly ctx: Ctx; readonly caller: { readonly domain: DomainRef } },
  id: string,
): Promise<void> {
  const { ids, repositories } = await inTransaction(ctx, undefined, async (trx) => {
    await sql`
      select from container_namespace where domain = ${domain.num} and id = ${id}
      for update`.execute(trx);
    const { rows } = await sql<{ id: string }>`
      select id from container_distribution
      where domain = ${domain.num} and namespace = ${id} order by id`.execute(trx);
    const ids = rows.map((row) => row.id);
    const removal = { distributions: ids };
    const repositories = await deleteServed(ctx, domain, { removal, trx });
    await sql`delete from container_namespace where domain = ${domain.num} and id = ${id}`.execute(
      trx,
    );
    return { ids, repositories };
  });
  announceAfterCommit(ctx, domain, ids);
  for (const repository of repositories) await deleteRepository(ctx, { domain }, repository);
}

/** Deletes a distribution and what only it serves. */
export const deleteDistributionTask = defineTask({
  name: "pulpcore.app.tasks.base.general_multi_delete",
  label: "container",
  input: Type.Object({ distribution: Type.String(), keepRepository: Type.Boolean() }),
  async run({ ctx, caller: { domain } }, { distribution, keepRepository }) {
    const removal = { distributions: [distribution], keepRepositories: keepRepository };
    const repositories = await inTransaction(ctx, undefined, (trx) =>
      deleteServed(ctx, domain, { removal, trx }),
    );
    announceAfterCommit(ctx, domain, [distribution]);
    for (const repository of repositories) await deleteRepository(ctx, { domain }, repository);
    return null;
  },
});

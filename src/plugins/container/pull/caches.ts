import { ValidationError } from "#base/errors.ts";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx, DomainRef } from "#sdk";
import { createDistribution, createRepository, inTransaction, sql } from "#sdk";
import { lockName } from "../registry/create-place.ts";
import type { Trx } from "../trx.ts";
import type { PullThrough } from "./through.ts";

const TYPE = "container.container";

/** What a remote of a cache takes over from its pull-through remote. */
const CONNECTION = sql.raw(
  [
    ...["url", "ca_cert", "client_cert", "client_key", "tls_validation"],
    ...["proxy_url", "proxy_username", "proxy_password", "username", "password", "secrets_key"],
    ...["download_concurrency", "max_retries", "total_timeout", "connect_timeout"],
    ...["sock_connect_timeout", "sock_read_timeout", "headers", "rate_limit"],
  ].join(", "),
);

/**
 * Makes what a cache of one upstream repository consists of, all named like its path: repository,
 * remote and distribution. Of requests that come at the same time one makes it.
 *
 * @returns why it cannot be made: something else has the name.
 */
export async function makeCache(
  ctx: Ctx,
  through: PullThrough,
  { basePath, upstreamName }: { readonly basePath: string; readonly upstreamName: string },
): Promise<string | undefined> {
  const { domain } = through;
  try {
    await inTransaction(ctx, undefined, async (trx) => {
      await lockName(trx, domain.num, basePath);
      if (await isMade(trx, domain, basePath)) return;
      await make(ctx, trx, { through, basePath, upstreamName });
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    return error.message;
  }
}

async function isMade(trx: Trx, { num }: DomainRef, basePath: string): Promise<boolean> {
  const { rows } = await sql`
    select from distribution
    where domain = ${num} and type = ${TYPE} and base_path = ${basePath}`.execute(trx);
  return rows.length > 0;
}

interface NewCache {
  readonly through: PullThrough;
  readonly basePath: string;
  readonly upstreamName: string;
}

async function make(ctx: Ctx, trx: Trx, of: NewCache): Promise<void> {
  const { through, basePath: name } = of;
  const { domain } = through;
  const left = await leftOver(trx, of);
  if (!left) await refuseTaken(trx, domain, name);
  const { remote, repository } = left ?? (await makeSource(ctx, trx, of));
  const place = {
    ...{ domain, type: TYPE, name, basePath: name, repository, remote },
    guard: through.guard,
    mayNest: true,
  };
  const distribution = await createDistribution(ctx, place, trx);
  await sql`
    insert into container_distribution (id, domain, namespace, private, pull_through)
    select ${distribution}::uuid, domain, namespace, private, id
    from container_distribution
    where domain = ${domain.num} and id = ${through.distribution}`.execute(trx);
}

/** Where a cache gets things from, and where it keeps them. */
interface Source {
  readonly remote: string;
  readonly repository: string;
}

/** Of a cache whose distribution was deleted: it goes on where it was. */
async function leftOver(
  trx: Trx,
  { through, basePath: name, upstreamName }: NewCache,
): Promise<Source | undefined> {
  const domain = through.domain.num;
  const { rows } = await sql<Source>`
    select m.id as remote, r.id as repository from repository r
    join remote m on m.domain = r.domain and m.id = r.remote and m.name = r.name
    join container_remote c on c.domain = m.domain and c.id = m.id
    join remote parent on parent.domain = m.domain and parent.id = ${through.remote}
    where r.domain = ${domain} and r.name = ${name} and r.type = ${TYPE}
      and m.url = parent.url and c.upstream_name = ${upstreamName}
      and not exists (select from distribution x where x.domain = ${domain}
        and (x.name = ${name} or x.base_path = ${name} or x.repository = r.id))
    for update of r`.execute(trx);
  return rows[0];
}

async function makeSource(
  ctx: Ctx,
  trx: Trx,
  { through, basePath: name, upstreamName }: NewCache,
): Promise<Source> {
  const { domain } = through;
  const remote = uuid7();
  await sql`
    insert into remote (id, domain, type, name, policy, ${CONNECTION})
    select ${remote}::uuid, domain, ${TYPE}, ${name}, 'on_demand', ${CONNECTION}
    from remote where domain = ${domain.num} and id = ${through.remote}`.execute(trx);
  await sql`
    insert into container_remote (id, domain, upstream_name)
    values (${remote}, ${domain.num}, ${upstreamName})`.execute(trx);
  const { id: repository } = await createRepository(
    ctx,
    { domain, type: TYPE, name, retainRepoVersions: 1, remote },
    trx,
  );
  await sql`insert into container_repository (id, domain)
    values (${repository}, ${domain.num})`.execute(trx);
  return { remote, repository };
}

async function refuseTaken(trx: Trx, { num }: DomainRef, name: string): Promise<void> {
  const { rows } = await sql<{ kind: string }>`
    select 'repository' as kind from repository where domain = ${num} and name = ${name}
    union all select 'remote' from remote where domain = ${num} and name = ${name}
    union all select 'distribution' from distribution
      where domain = ${num} and (name = ${name} or base_path = ${name})
    limit 1`.execute(trx);
  const [taken] = rows;
  if (taken)
    throw new ValidationError([`A ${taken.kind} named '${name}' is there that is no cache.`]);
}

/**
 * Lets the remote of a cache follow its pull-through remote, which may have got another address or
 * other credentials.
 *
 * @param distribution of the cache
 */
export async function followParent(
  ctx: Ctx,
  domain: DomainRef,
  distribution: string,
): Promise<void> {
  await sql`
    update remote own set (${CONNECTION}, updated) = (
      select ${CONNECTION}, clock_timestamp() from remote where id = parent.id)
    from distribution x
    join container_distribution c on c.domain = x.domain and c.id = x.id
    join distribution through on through.domain = x.domain and through.id = c.pull_through
    join remote parent on parent.domain = x.domain and parent.id = through.remote
    where x.domain = ${domain.num} and x.id = ${distribution}
      and own.domain = x.domain and own.id = x.remote and parent.updated > own.updated`.execute(
    ctx.db,
  );
}

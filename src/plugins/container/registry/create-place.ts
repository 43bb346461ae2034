import { ValidationError } from "#base/errors.ts";
import {
  type Caller,
  type Ctx,
  createDistribution,
  createRepository,
  type Executor,
  ensureGuard,
  inTransaction,
  sql,
} from "#sdk";
import { ensureNamespace, namespaceOf } from "../namespaces.ts";
import { REDIRECT_GUARD } from "../redirect-guard.ts";
import type { Trx } from "../trx.ts";
import type { MadeObjects } from "./access.ts";
import { registryErrors } from "./errors.ts";
import { OneAtATime } from "./one-at-a-time.ts";
import type { Place } from "./places.ts";
import type { Registry, RepositoryVisit } from "./registry.ts";

const TYPE = "container.container";

/** One transaction of a process at a time: each needs a second connection for a moment. */
const creations = new WeakMap<Ctx["hot"], OneAtATime>();

/**
 * Makes what the first push to a name needs: namespace, repository, distribution. Of pushes that come
 * at the same time one makes it, and the others find it (plugin-container §7.2).
 *
 * @param place what there is already: a distribution without a repository of its own.
 * @throws `nameInvalid` if something else has the name.
 */
export async function createPlace(
  registry: Registry,
  visit: RepositoryVisit,
  place: Place | undefined,
): Promise<void> {
  const { hot } = registry.ctx;
  const turns = creations.get(hot) ?? new OneAtATime();
  creations.set(hot, turns);
  try {
    await turns.run(() => createInTurn(registry, visit, place));
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    const text = "Repository is not available for push.";
    throw registryErrors.nameInvalid(visit.name.full, text);
  }
}

async function createInTurn(
  registry: Registry,
  visit: RepositoryVisit,
  place: Place | undefined,
): Promise<void> {
  const { ctx, access, memory } = registry;
  const { basePath } = visit.name;
  // Those who waited find what the first one made.
  const known = await memory.freshPlace(visit.name);
  if (known?.repository) return;
  const domain = place?.domain ?? (await domainOf(registry, visit));
  await inTransaction(ctx, undefined, async (trx) => {
    await lockName(trx, domain.num, basePath);
    const { user } = visit.caller;
    const caller = { domain, user, correlationId: visit.exchange.correlationId };
    const made = await make(registry, trx, { domain, basePath, place, caller });
    if (made) await access.created(trx, visit.caller, made);
  });
  if (place) memory.forget(place.distribution);
}

type Domain = Place["domain"];
type Named = Pick<Domain, "num" | "id" | "name">;

async function domainOf({ ctx }: Registry, { name }: RepositoryVisit): Promise<Named> {
  const { rows } = await sql<Named>`
    select num, id, name from domain where name = ${name.domain}`.execute(ctx.db);
  const [domain] = rows;
  if (!domain) throw registryErrors.nameUnknown(name.full);
  return domain;
}

/** Pushes to one name take turns; those to others do not wait. */
export const lockName = (trx: Trx, domain: number, basePath: string) =>
  sql`select pg_advisory_xact_lock(${domain}, hashtext(${`container/${basePath}`}))`.execute(trx);

interface Wanted {
  readonly domain: Named;
  readonly basePath: string;
  readonly place: Place | undefined;
  readonly caller: Caller;
}

/** @returns undefined if somebody else has made it meanwhile. */
async function make(
  { ctx }: Registry,
  trx: Trx,
  { domain, basePath, place, caller }: Wanted,
): Promise<MadeObjects | undefined> {
  const found = await distributionAt(trx, domain.num, basePath);
  if (found?.repository) return undefined;
  const own = await repositoryNamed(trx, domain.num, basePath);
  const repository =
    own ?? (await createRepository(ctx, { domain, type: TYPE, name: basePath }, trx)).id;
  const repositoryMade = own ? null : repository;
  if (found && place) {
    await pointTo(trx, domain.num, { distribution: found.id, repository });
    return { domain, distribution: null, repository: repositoryMade };
  }
  const name = namespaceOf(basePath);
  const namespace = await ensureNamespace(ctx, trx, { caller, name });
  const guard = await ensureGuard(trx, { domain, ...REDIRECT_GUARD });
  const input = { domain, type: TYPE, name: basePath, basePath, repository, guard, mayNest: true };
  const distribution = await createDistribution(ctx, input, trx);
  await sql`
    insert into container_distribution (id, domain, namespace, private)
    select ${distribution}, domain, id, private_by_default from container_namespace
    where id = ${namespace}`.execute(trx);
  return { domain, distribution, repository: repositoryMade };
}

async function distributionAt(db: Executor, domain: number, basePath: string) {
  const { rows } = await sql<{ id: string; repository: string | null }>`
    select id, repository from distribution
    where domain = ${domain} and base_path = ${basePath} and type = ${TYPE}`.execute(db);
  return rows[0];
}

/** A repository that a user has made for this name is the one that is meant. */
async function repositoryNamed(db: Executor, domain: number, name: string) {
  const { rows } = await sql<{ id: string }>`
    select id from repository where domain = ${domain} and name = ${name}
      and type in (${TYPE}, 'container.container-push')`.execute(db);
  return rows[0]?.id;
}

/** A distribution of a fixed version becomes one of a repository. */
const pointTo = (
  trx: Trx,
  domain: number,
  { distribution, repository }: { readonly distribution: string; readonly repository: string },
) =>
  sql`
    with pointed as (
      update distribution set repository = ${repository}, version = null, publication = null,
        updated = clock_timestamp()
      where domain = ${domain} and id = ${distribution})
    insert into distribution_event (domain, distribution) values (${domain}, ${distribution})`.execute(
    trx,
  );

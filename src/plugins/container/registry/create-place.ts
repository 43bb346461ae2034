import { ValidationError } from "#base/errors.ts";
import { uuid7 } from "#base/uuid7.ts";
import { createDistribution, createRepository, type Executor, inTransaction, sql } from "#sdk";
import type { Trx } from "../trx.ts";
import type { MadeObjects } from "./access.ts";
import { registryErrors } from "./errors.ts";
import type { Place } from "./places.ts";
import type { Registry, RepositoryVisit } from "./registry.ts";

const TYPE = "container.container";

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
  const { ctx, access, memory } = registry;
  const domain = place?.domain ?? (await domainOf(registry, visit));
  const { basePath } = visit.name;
  try {
    await inTransaction(ctx, undefined, async (trx) => {
      await lockName(trx, domain.num, basePath);
      const made = await make(registry, trx, { domain, basePath, place });
      if (made) await access.created(trx, visit.caller, made);
    });
    if (place) memory.forget(place.distribution);
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    const text = "Repository is not available for push.";
    throw registryErrors.nameInvalid(visit.name.full, text);
  }
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
}

/** @returns undefined if somebody else has made it meanwhile. */
async function make(
  { ctx }: Registry,
  trx: Trx,
  { domain, basePath, place }: Wanted,
): Promise<MadeObjects | undefined> {
  const found = await distributionAt(trx, domain.num, basePath);
  if (found?.repository) return undefined;
  const own = await repositoryNamed(trx, domain.num, basePath);
  const repository =
    own ?? (await createRepository(ctx, { domain, type: TYPE, name: basePath }, trx)).id;
  const repositoryMade = own ? null : repository;
  if (found && place) {
    await pointTo(trx, domain.num, { distribution: found.id, repository });
    return { domain, namespace: null, distribution: null, repository: repositoryMade };
  }
  const namespace = await ensureNamespace(trx, domain.num, basePath.split("/")[0] ?? "");
  const input = { domain, type: TYPE, name: basePath, basePath, repository, mayNest: true };
  const distribution = await createDistribution(ctx, input, trx);
  await sql`
    insert into container_distribution (id, domain, namespace)
    values (${distribution}, ${domain.num}, ${namespace.id})`.execute(trx);
  return {
    ...{ domain, distribution, repository: repositoryMade },
    namespace: namespace.isNew ? namespace.id : null,
  };
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

async function ensureNamespace(
  trx: Trx,
  domain: number,
  name: string,
): Promise<{ readonly id: string; readonly isNew: boolean }> {
  const id = uuid7();
  const { rows } = await sql<{ id: string }>`
    insert into container_namespace (id, domain, name) values (${id}, ${domain}, ${name})
    on conflict (domain, name) do update set updated = container_namespace.updated
    returning id`.execute(trx);
  const found = rows[0]?.id ?? id;
  return { id: found, isNew: found === id };
}

import { uuid7 } from "#base/uuid7.ts";
import { type Caller, type Ctx, runCreationHooks, sql } from "#sdk";
import type { Trx } from "./trx.ts";

/** Its policy, by the address of namespaces. */
export const NAMESPACES = "pulp_container/namespaces";
export const NAMESPACE_MODEL = "container.containernamespace";

/** What a name of the registry begins with. */
export const namespaceOf = (basePath: string): string => basePath.split("/", 1)[0] ?? "";

/**
 * Finds a namespace by its name, or makes it in the transaction; who makes it owns it. Until the
 * transaction ends nobody deletes it.
 *
 * @returns its id.
 */
export async function ensureNamespace(
  ctx: Ctx,
  trx: Trx,
  { caller, name }: { readonly caller: Caller; readonly name: string },
): Promise<string> {
  const domain = caller.domain.num;
  const { rows: made } = await sql<{ id: string }>`
    insert into container_namespace (id, domain, name) values (${uuid7()}, ${domain}, ${name})
    on conflict on constraint container_namespace_one_per_name do nothing
    returning id`.execute(trx);
  if (made[0]) {
    const object = { model: NAMESPACE_MODEL, id: made[0].id, domain };
    await runCreationHooks(ctx, trx, { caller, viewset: NAMESPACES, object });
    return made[0].id;
  }
  const { rows } = await sql<{ id: string }>`
    select id from container_namespace where domain = ${domain} and name = ${name}
    for key share`.execute(trx);
  if (rows[0]) return rows[0].id;
  // It was deleted between the two statements.
  return ensureNamespace(ctx, trx, { caller, name });
}

/** Whether a distribution of the namespace is private where nobody says. */
export async function isPrivateByDefault(trx: Trx, namespace: string): Promise<boolean> {
  const { rows } = await sql<{ isPrivate: boolean }>`
    select private_by_default as "isPrivate" from container_namespace
    where id = ${namespace}`.execute(trx);
  return rows[0]?.isPrivate ?? false;
}

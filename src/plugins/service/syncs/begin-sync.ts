import type { JsonObject } from "#base/json.ts";
import { prn } from "#base/prn.ts";
import { type DomainRef, dispatch, type Job, sql } from "#sdk";
import { syncErrors } from "./errors.ts";
import type { SyncedType } from "./settings.ts";

export interface WantedSync {
  /** Name of the domain of both. */
  readonly domain: string;
  readonly type: SyncedType;
  /** Name */
  readonly repository: string;
  /** Name */
  readonly remote: string;
  readonly mirror: boolean;
}

interface Ids extends JsonObject {
  readonly repository: string;
  readonly remote: string;
  readonly mirror: boolean;
}

/** Tasks that sync, by the wire names that clients see, and what else they are told. */
const TASKS: Readonly<Record<SyncedType, { readonly name: string; readonly more?: JsonObject }>> = {
  python: { name: "pulp_python.app.tasks.sync.sync" },
  file: { name: "pulp_file.app.tasks.synchronizing.synchronize" },
  container: {
    name: "pulp_container.app.tasks.synchronize.synchronize",
    more: { signedOnly: false },
  },
};

/**
 * Dispatches the sync of a repository as if somebody of its domain had asked for it, so that its tenants
 * see the task and the domain stays meanwhile.
 *
 * @returns the id of the task; undefined if there is no such repository.
 * @throws `syncErrors` without the remote, or where nothing syncs the type
 */
export async function beginSync(
  { ctx, caller }: Job,
  { domain: name, type, repository, remote, mirror }: WantedSync,
): Promise<string | undefined> {
  const pulpType = `${type}.${type}`;
  const { rows } = await sql<{ domain: DomainRef; id: string; remote: string | null }>`
    select json_build_object('num', d.num, 'id', d.id, 'name', d.name) as domain, r.id,
      (select m.id from remote m
        where m.domain = d.num and m.type = ${pulpType} and m.name = ${remote}) as remote
    from domain d join repository r on r.domain = d.num
    where d.name = ${name} and r.type = ${pulpType} and r.name = ${repository}`.execute(ctx.db);
  const [found] = rows;
  if (!found) return undefined;
  if (found.remote === null) throw syncErrors.noRemote(remote, name);
  const task = ctx.plugins.task(TASKS[type].name);
  if (!task) throw syncErrors.noType(type);
  const input: Ids = { ...TASKS[type].more, repository: found.id, remote: found.remote, mirror };
  const prnOf = (family: "repository" | "remote", id: string) =>
    prn(ctx.plugins.entity(family, pulpType).model, id);
  const { id } = await dispatch(ctx, {
    task,
    input,
    caller: { ...caller, domain: found.domain },
    exclusive: [prnOf("repository", found.id)],
    shared: [prnOf("remote", found.remote)],
  });
  return id;
}

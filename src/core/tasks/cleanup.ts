import { sql } from "kysely";
import { parsePrn } from "#base/prn.ts";
import type { Ctx, DomainRef } from "../ctx.ts";
import { deletePublication } from "../publications/commands.ts";
import { discardVersion } from "../repositories/commands.ts";
import { isPassing } from "./outcome.ts";

/**
 * Removes what a failed or cancelled task began and did not complete: publications that it
 * reported, and publications and drafts of repositories that it had for itself. Nothing is touched unless the owner
 * still has the task, since another one may have the repository by now. What cannot be removed is
 * logged; the task ends all the same. While the database is away this rejects: it is to be repeated.
 */
export async function removeIncomplete(ctx: Ctx, held: Held): Promise<void> {
  for (const removal of await incompleteOf(ctx, held)) {
    await remove(ctx, removal).catch((error) => {
      if (isPassing(error)) throw error;
      ctx.log.error(`Removing the incomplete ${removal.kind} ${removal.id} failed: ${error}`);
    });
  }
  await forgetRemoved(ctx, held);
}

/** A publication is reported when it begins; one that is gone was not made after all. */
const forgetRemoved = (ctx: Ctx, { task, owner }: Held): Promise<unknown> =>
  sql`
    delete from created_resource c
    where c.task = ${task} and c.path like 'publications/%'
      and exists (select from task_queue q where q.task = c.task and q.owner = ${owner})
      and not exists (select from publication p where p.id::text = c.object)`.execute(ctx.db);

interface Held {
  readonly task: string;
  readonly owner: string;
}

interface Incomplete {
  readonly kind: "publication" | "version";
  readonly id: string;
  readonly domain: DomainRef;
  readonly n: number;
  readonly correlationId: string;
  readonly repository: {
    readonly num: number;
    readonly id: string;
    readonly domain: number;
    readonly type: string;
    readonly name: string;
  };
}

async function incompleteOf(ctx: Ctx, held: Held): Promise<readonly Incomplete[]> {
  const task = await ctx.db
    .selectFrom("task")
    .innerJoin("task_queue", "task_queue.task", "task.id")
    .select(["task.domain", "task.resources", "task.cid"])
    .where("task.id", "=", held.task)
    .where("task_queue.owner", "=", held.owner)
    .executeTakeFirst();
  if (!task) return [];
  const locked = task.resources.flatMap((name) => parsePrn(name)?.id ?? []);
  const { rows } = await sql<Incomplete>`
    with reported as (select object from created_resource where task = ${held.task})
    select found.kind, found.id, found.n, ${task.cid} as "correlationId",
      json_build_object('num', d.num, 'id', d.id, 'name', d.name) as domain,
      json_build_object('num', r.num, 'id', r.id, 'domain', r.domain, 'type', r.type, 'name', r.name)
        as repository
    from (
      select 'publication' as kind, p.id, v.number as n, v.repository
      from publication p join repository_version v on v.id = p.version
      join repository r on r.num = v.repository
      where not p.complete and p.domain = ${task.domain}
        and (p.id::text in (select object from reported) or r.id::text = any(${locked}::text[]))
      union all
      select 'version', v.id, v.number, v.repository
      from repository_version v join repository r on r.num = v.repository
      where not v.complete and r.domain = ${task.domain}
        and (v.id::text in (select object from reported) or r.id::text = any(${locked}::text[]))
    ) as found
    join repository r on r.num = found.repository join domain d on d.num = r.domain`.execute(
    ctx.db,
  );
  return rows;
}

async function remove(ctx: Ctx, incomplete: Incomplete): Promise<void> {
  const { kind, id, n, domain, repository, correlationId } = incomplete;
  if (kind === "publication") return deletePublication(ctx, domain, id);
  const draft = { repository, versionId: id, n, domain, correlationId };
  await discardVersion(ctx, { ...draft, isMirror: false, refused: [] });
}

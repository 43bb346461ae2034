import { sql } from "kysely";
import { parsePrn } from "#base/prn.ts";
import type { Ctx, DomainRef } from "../ctx.ts";
import { deletePublication } from "../publications/commands.ts";
import * as repositories from "../repositories/commands.ts";

/**
 * Removes what a failed or cancelled task began and did not complete: publications that it
 * reported, and drafts of repositories that it had for itself. To be called while the task still
 * holds its resources. What cannot be removed is logged; the task ends all the same.
 */
export async function removeIncomplete(ctx: Ctx, taskId: string): Promise<void> {
  for (const removal of await incompleteOf(ctx, taskId)) {
    await remove(ctx, removal).catch((error) =>
      ctx.log.error(`Removing the incomplete ${removal.kind} ${removal.id} failed: ${error}`),
    );
  }
}

interface Incomplete {
  readonly kind: "publication" | "version";
  readonly id: string;
  readonly domain: DomainRef;
  readonly n: number;
  readonly repository: {
    readonly num: number;
    readonly id: string;
    readonly domain: number;
    readonly type: string;
    readonly name: string;
  };
}

async function incompleteOf(ctx: Ctx, taskId: string): Promise<readonly Incomplete[]> {
  const task = await ctx.db
    .selectFrom("task")
    .select(["domain", "resources"])
    .where("id", "=", taskId)
    .executeTakeFirst();
  if (!task) return [];
  const locked = task.resources.flatMap((name) => parsePrn(name)?.id ?? []);
  const { rows } = await sql<Incomplete>`
    with reported as (select object from created_resource where task = ${taskId})
    select found.kind, found.id, found.n,
      json_build_object('num', d.num, 'id', d.id, 'name', d.name) as domain,
      json_build_object('num', r.num, 'id', r.id, 'domain', r.domain, 'type', r.type, 'name', r.name)
        as repository
    from (
      select 'publication' as kind, p.id, v.number as n, v.repository
      from publication p join repository_version v on v.id = p.version
      where not p.complete and p.id::text in (select object from reported)
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

async function remove(ctx: Ctx, { kind, id, n, domain, repository }: Incomplete): Promise<void> {
  if (kind === "publication") return deletePublication(ctx, domain, id);
  await repositories.discardVersion(ctx, { repository, versionId: id, n, domain, isMirror: false });
}

import { type Selectable, sql } from "kysely";
import { prn } from "#base/prn.ts";
import { uuid7 } from "#base/uuid7.ts";
import { rethrow } from "../constraints.ts";
import type { Ctx, DomainRef, Executor, Trx } from "../ctx.ts";
import { createRepository, deleteRepository } from "../repositories/commands.ts";
import { createTaskGroup, dispatch } from "../tasks/commands.ts";
import { acsConstraints, acsErrors } from "./errors.ts";
import { hiddenName, pathUrl } from "./rules.ts";
import type { AcsPathTable, AcsTable } from "./table.ts";
import type { AcsPatch, AcsRefresh, AcsTarget, NewAcs } from "./types.ts";

/** @returns the id of the new source. */
export async function createAcs(ctx: Ctx, input: NewAcs, trx?: Trx): Promise<string> {
  const { domain, type, name, remote, paths } = input;
  const id = uuid7();
  const create = async (db: Executor) => {
    await db
      .insertInto("alternate_content_source")
      .values({ id, domain: domain.num, type, name, remote })
      .execute()
      .catch(rethrow(acsConstraints));
    await insertPaths(db, { domain, id }, paths);
  };
  await (trx ? create(trx) : ctx.db.transaction().execute(create));
  return id;
}

/** Paths that go away take their hidden repositories with them. */
export async function updateAcs(
  ctx: Ctx,
  change: { readonly domain: DomainRef; readonly id: string; readonly patch: AcsPatch },
): Promise<void> {
  const { domain, id, patch } = change;
  const { name, remote, paths } = patch;
  const before = paths === undefined ? [] : await pathsOf(ctx.db, domain, id);
  const gone = before.filter(({ path }) => !wanted(paths).includes(path));
  await ctx.db.transaction().execute(async (trx) => {
    const { numUpdatedRows } = await trx
      .updateTable("alternate_content_source")
      .set({
        ...(name === undefined ? {} : { name }),
        ...(remote === undefined ? {} : { remote }),
        updated: sql`clock_timestamp()`,
      })
      .where("domain", "=", domain.num)
      .where("id", "=", id)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw acsErrors.notFound(id);
    const known = before.map(({ path }) => path);
    const added = paths === undefined ? [] : wanted(paths).filter((path) => !known.includes(path));
    if (added.length > 0) await insertPaths(trx, { domain, id }, added);
    const ids = gone.map((path) => path.id);
    if (ids.length > 0) await trx.deleteFrom("acs_path").where("id", "in", ids).execute();
  });
  await removeHidden(ctx, domain, gone);
}

/** Removes a source with its hidden repositories; what its remote offers is no longer preferred. */
export async function deleteAcs(ctx: Ctx, domain: DomainRef, id: string): Promise<void> {
  const paths = await pathsOf(ctx.db, domain, id);
  await ctx.db
    .deleteFrom("alternate_content_source")
    .where("domain", "=", domain.num)
    .where("id", "=", id)
    .execute();
  await removeHidden(ctx, domain, paths);
}

/**
 * Reads anew what an alternate source offers: one sync task per path, each into a hidden
 * repository that keeps one version.
 *
 * @returns the id of the task group.
 */
export function refreshAcs(ctx: Ctx, refresh: AcsRefresh): Promise<string> {
  const { domain } = refresh.caller;
  return ctx.db.transaction().execute(async (trx) => {
    const source = await lockedSource(trx, domain, refresh.acs);
    const paths = await pathsOf(trx, domain, source.id);
    const description = `Refreshing ${paths.length} alternate content source path(s).`;
    const group = await createTaskGroup(ctx, { domain, description }, trx);
    for (const path of paths) {
      const repository =
        path.repository ?? (await createHidden(ctx, trx, { refresh, source, path }));
      const url = pathUrl(source.remote_url, path.path);
      const target = { acs: source.id, remote: source.remote, url, repository };
      await dispatchSync(ctx, trx, { refresh, target, group });
    }
    await trx
      .updateTable("task_group")
      .set({ all_tasks_dispatched: true })
      .where("id", "=", group)
      .execute();
    return group;
  });
}

/** Notes that a path of the source was read. */
export async function markRefreshed(ctx: Ctx, domain: DomainRef, acs: string): Promise<void> {
  await ctx.db
    .updateTable("alternate_content_source")
    .set({ last_refreshed: sql<string>`clock_timestamp()` })
    .where("domain", "=", domain.num)
    .where("id", "=", acs)
    .execute();
}

type Path = Selectable<AcsPathTable>;
type Source = Pick<Selectable<AcsTable>, "id" | "name" | "type" | "remote"> & {
  readonly remote_url: string;
};

const wanted = (paths: readonly string[] = []): readonly string[] =>
  paths.length === 0 ? [""] : [...new Set(paths)];

async function insertPaths(
  db: Executor,
  source: { readonly domain: DomainRef; readonly id: string },
  paths: readonly string[],
): Promise<void> {
  const rows = wanted(paths).map((path) => ({
    id: uuid7(),
    domain: source.domain.num,
    acs: source.id,
    path,
    repository: null,
  }));
  await db.insertInto("acs_path").values(rows).execute();
}

const pathsOf = (db: Executor, domain: DomainRef, acs: string): Promise<Path[]> =>
  db
    .selectFrom("acs_path")
    .selectAll()
    .where("domain", "=", domain.num)
    .where("acs", "=", acs)
    .orderBy("id")
    .execute();

async function lockedSource(trx: Trx, domain: DomainRef, id: string): Promise<Source> {
  const source = await trx
    .selectFrom("alternate_content_source as s")
    .innerJoin("remote as r", "r.id", "s.remote")
    .select(["s.id", "s.name", "s.type", "s.remote", "r.url as remote_url"])
    .where("s.domain", "=", domain.num)
    .where("s.id", "=", id)
    .forNoKeyUpdate("s")
    .executeTakeFirst();
  if (source === undefined) throw acsErrors.notFound(id);
  return source;
}

async function createHidden(
  ctx: Ctx,
  trx: Trx,
  of: { readonly refresh: AcsRefresh; readonly source: Source; readonly path: Path },
): Promise<string> {
  const { refresh, source, path } = of;
  const { domain } = refresh.caller;
  const repository = await createRepository(
    ctx,
    {
      domain,
      type: refresh.repositoryType,
      name: hiddenName(source.name, path.id),
      retainRepoVersions: 1,
      userHidden: true,
    },
    trx,
  );
  await refresh.createDetail?.(trx, repository.id, domain);
  await trx
    .updateTable("acs_path")
    .set({ repository: repository.id })
    .where("id", "=", path.id)
    .execute();
  return repository.id;
}

async function dispatchSync(
  ctx: Ctx,
  trx: Trx,
  of: { readonly refresh: AcsRefresh; readonly target: AcsTarget; readonly group: string },
): Promise<void> {
  const { refresh, target, group } = of;
  const { plugins } = ctx;
  const type = refresh.repositoryType;
  await dispatch(
    ctx,
    {
      task: refresh.task,
      input: refresh.input(target),
      caller: refresh.caller,
      exclusive: [prn(plugins.entity("repository", type).model, target.repository)],
      shared: [
        prn(plugins.entity("remote", type).model, target.remote),
        prn(plugins.entity("alternate_content_source", type).model, target.acs),
      ],
      group,
    },
    trx,
  );
}

async function removeHidden(ctx: Ctx, domain: DomainRef, paths: readonly Path[]): Promise<void> {
  for (const { repository } of paths)
    if (repository !== null) await deleteRepository(ctx, { domain }, repository);
}

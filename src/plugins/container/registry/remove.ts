import { type Executor, sql } from "#sdk";
import { commitEdit } from "../commit.ts";
import { addPending, removePending } from "../pending.ts";
import type { Place } from "./places.ts";
import type { Registry, RepositoryVisit } from "./registry.ts";
import { callerOf } from "./target.ts";

/** The last version's members have no end. */
const OPEN = 2_147_483_647;

interface Removal {
  readonly place: Place;
  readonly digest: string;
}

/**
 * Takes a blob out of the latest version and off the pending list; whether a manifest needs it is not
 * asked.
 *
 * @returns whether it was there.
 */
export async function removeBlob(
  registry: Registry,
  visit: RepositoryVisit,
  { place, digest }: Removal,
): Promise<boolean> {
  const { ctx, memory } = registry;
  const { repository, domain } = place;
  if (!repository) return false;
  const { rows } = await sql<{ id: string }>`
    select id from container_blob where domain = ${domain.num} and digest = ${digest}`.execute(
    ctx.db,
  );
  const ids = rows.map(({ id }) => id);
  const key = { id: repository.id, domain: domain.num };
  const caller = callerOf(visit, place);
  let pending = 0;
  const version = await commitEdit(ctx, repository.id, {
    caller,
    edit: async (trx) => {
      pending = await removePending(trx, key, ids);
      return { add: [], remove: ids };
    },
  });
  memory.outdateRepository(repository.id);
  return pending > 0 || version !== undefined;
}

/** Takes a tag off; the manifest stays. Returns whether it was there. */
export async function removeTag(
  registry: Registry,
  visit: RepositoryVisit,
  { place, tag }: { readonly place: Place; readonly tag: string },
): Promise<boolean> {
  const { ctx, memory } = registry;
  const { repository, domain } = place;
  if (!repository) return false;
  const caller = callerOf(visit, place);
  const version = await commitEdit(ctx, repository.id, {
    caller,
    edit: async (trx) => {
      const { rows } = await sql<{ id: string }>`
        select t.id from container_tag t
        join membership m on m.domain = t.domain and m.content = t.id
        where t.domain = ${domain.num} and t.name = ${tag}
          and m.repository = ${repository.num} and m.removed = ${OPEN}`.execute(trx);
      return { add: [], remove: rows.map(({ id }) => id) };
    },
  });
  memory.outdateRepository(repository.id);
  return version !== undefined;
}

/**
 * Takes a manifest out, with its tags, its signatures, and what only it needs: children and blobs
 * (plugin-container §7.5). Returns whether it was there.
 */
export async function removeManifest(
  registry: Registry,
  visit: RepositoryVisit,
  { place, digest }: Removal,
): Promise<boolean> {
  const { ctx, memory } = registry;
  const { repository, domain } = place;
  if (!repository) return false;
  const caller = callerOf(visit, place);
  const scope = { domain: domain.num, repository: repository.num };
  const { rows } = await sql<{ id: string }>`
    select id from container_manifest
    where domain = ${domain.num} and digest = ${digest}`.execute(ctx.db);
  const ids = rows.map(({ id }) => id);
  const key = { id: repository.id, domain: domain.num };
  let pending = 0;
  const version = await commitEdit(ctx, repository.id, {
    caller,
    edit: async (trx) => {
      pending = await removePending(trx, key, ids);
      const { named, parts } = await goingWith(trx, scope, digest);
      // Nobody named these: until a clean-up takes them they wait for what needs them again.
      await addPending(trx, key, parts);
      return { add: [], remove: [...named, ...parts] };
    },
  });
  memory.outdateRepository(repository.id);
  return pending > 0 || version !== undefined;
}

interface Scope {
  readonly domain: number;
  /** `repository.num` */
  readonly repository: number;
}

interface Going {
  /** The manifest, tags and signatures. */
  readonly named: readonly string[];
  /** Children and blobs that nothing else needs. */
  readonly parts: readonly string[];
}

/** Members that go with a manifest, itself among them. */
async function goingWith(db: Executor, scope: Scope, digest: string): Promise<Going> {
  const { rows } = await sql<{ id: string }>`
    select b.id from container_manifest b
    join membership m on m.domain = b.domain and m.content = b.id
    where b.domain = ${scope.domain} and b.digest = ${digest}
      and m.repository = ${scope.repository} and m.removed = ${OPEN}`.execute(db);
  const roots = rows.map(({ id }) => id);
  const manifests = new Set(roots);
  for (let level = [...manifests]; level.length > 0; ) {
    level = await exclusiveChildren(db, scope, { parents: level, going: [...manifests] });
    for (const id of level) manifests.add(id);
  }
  const units = await attached(db, scope, [...manifests]);
  const idsOf = (isBlob: boolean) =>
    units.filter((unit) => unit.isBlob === isBlob).map(({ id }) => id);
  const children = [...manifests].slice(roots.length);
  return { named: [...roots, ...idsOf(false)], parts: [...children, ...idsOf(true)] };
}

/** Children that no tag and no other index of the version needs. */
async function exclusiveChildren(
  db: Executor,
  { domain, repository }: Scope,
  { parents, going }: { readonly parents: readonly string[]; readonly going: readonly string[] },
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with child as materialized (
      select distinct c.id, c.digest from container_reference r
      join container_manifest c on c.domain = r.domain and c.digest = r.digest
      join membership m on m.domain = c.domain and m.content = c.id
      where r.domain = ${domain} and r.manifest = any(${parents}::uuid[]) and r.kind = 'child'
        and m.repository = ${repository} and m.removed = ${OPEN})
    select c.id from child c
    where c.id <> all(${going}::uuid[])
      and not exists (select from container_tag t
        join membership m on m.domain = t.domain and m.content = t.id
        where t.domain = ${domain} and t.manifest = c.id
          and m.repository = ${repository} and m.removed = ${OPEN})
      and not exists (select from container_reference r
        join membership m on m.domain = r.domain and m.content = r.manifest
        where r.domain = ${domain} and r.digest = c.digest and r.kind = 'child'
          and r.manifest <> all(${going}::uuid[])
          and m.repository = ${repository} and m.removed = ${OPEN})`.execute(db);
  return rows.map(({ id }) => id);
}

/** Tags and signatures of the manifests, and blobs that no other manifest of the version needs. */
async function attached(
  db: Executor,
  { domain, repository }: Scope,
  going: readonly string[],
): Promise<readonly { readonly id: string; readonly isBlob: boolean }[]> {
  const { rows } = await sql<{ id: string; isBlob: boolean }>`
    with named as (
      select id, false as "isBlob" from container_tag where domain = ${domain} and manifest = any(${going}::uuid[])
      union all
      select id, false from container_signature
        where domain = ${domain} and manifest = any(${going}::uuid[])
      union all
      select b.id, true from container_blob b
      where b.domain = ${domain} and b.digest in (
          select digest from container_reference
          where domain = ${domain} and manifest = any(${going}::uuid[]) and kind <> 'child')
        and not exists (select from container_reference r
          join membership m on m.domain = r.domain and m.content = r.manifest
          where r.domain = ${domain} and r.digest = b.digest and r.kind <> 'child'
            and r.manifest <> all(${going}::uuid[])
            and m.repository = ${repository} and m.removed = ${OPEN}))
    select n.id, n."isBlob" from named n
    join membership m on m.domain = ${domain} and m.content = n.id
    where m.repository = ${repository} and m.removed = ${OPEN}`.execute(db);
  return rows;
}

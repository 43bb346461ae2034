import { PREPARE } from "#base/prepare.ts";
import { type Ctx, type Executor, flights, sql } from "#sdk";

/** Whose upload it is, and where to: one that is asked for under another name is not there. */
export interface UploadKey {
  readonly id: string;
  readonly domain: number;
  /** `repository.id` */
  readonly repository: string;
  /** Id of the user who began it. */
  readonly owner: number | null;
}

const of = ({ id, domain, repository, owner }: UploadKey): readonly unknown[] => [
  id,
  domain,
  repository,
  owner,
];

/** Not waited for: what is acknowledged later is, and makes it durable, too. */
const IN_PASSING = `select set_config('synchronous_commit', 'off', true)`;

const KEY = `id = $1 and domain = $2 and repository = $3 and owner is not distinct from $4`;

const STATE = {
  name: "registry upload state",
  text: `select size, is_over from container_upload where ${KEY}`,
};

/** Acknowledged bytes, or that it is over; undefined if it has no row. */
export async function uploadState(
  { hot }: Pick<Ctx, "hot">,
  key: UploadKey,
): Promise<{ readonly sizeBytes: number } | "over" | undefined> {
  const [row] = await hot.query<{ size: number; is_over: boolean }>(STATE, of(key));
  if (!row) return undefined;
  return row.is_over ? "over" : { sizeBytes: Number(row.size) };
}

/** An upload that a process wants to write to. */
export interface WantedUpload extends UploadKey {
  /** It need not have a row yet: its id says that it was begun. */
  readonly mayBeNew: boolean;
}

/** A process that died while it wrote does not keep an upload from going on. */
const TAKE = `${PREPARE}
with passing as materialized (${IN_PASSING}),
wanted as materialized (
  select k.* from passing,
    unnest($1::uuid[], $2::int[], $3::uuid[], $4::int[], $6::boolean[])
      as k (id, domain, repository, owner, may_be_new)),
known as materialized (
  select w.id from wanted w
  cross join lateral (select id from container_upload
    where id = w.id and domain = w.domain and repository = w.repository
      and owner is not distinct from w.owner and not is_over offset 0) u),
begun as (
  insert into container_upload (id, domain, repository, owner, writer)
  select id, domain, repository, owner, $5::uuid from wanted w
  where may_be_new and id not in (select id from known)
    and exists (select from repository r where r.domain = w.domain and r.id = w.repository)
  on conflict do nothing
  returning id, size),
taken as (
  update container_upload u set writer = $5::uuid, updated = clock_timestamp()
  from known k
  where u.id = k.id and (u.writer is null or u.writer = $5::uuid or not exists (
    select from app_process p where p.id = u.writer
      and p.last_heartbeat > clock_timestamp() - make_interval(secs => p.ttl_seconds)))
  returning u.id, u.size)
select id, size from begun union all select id, size from taken`;

const takeTogether = flights.together<WantedUpload, number | undefined>(
  async ({ hot, process }, keys) => {
    const values = [
      keys.map(({ id }) => id),
      keys.map(({ domain }) => domain),
      keys.map(({ repository }) => repository),
      keys.map(({ owner }) => owner),
      process.id,
      keys.map(({ mayBeNew }) => mayBeNew),
    ];
    const [rows = []] = await hot.inOneFlight([{ text: TAKE, values }]);
    const taken = rows as readonly { readonly id: string; readonly size: number }[];
    const sizes = new Map(taken.map(({ id, size }) => [id, Number(size)]));
    return keys.map(({ id }) => sizes.get(id));
  },
);

/** Makes this process the one that writes; undefined if it cannot be, or there is no such upload. */
export const takeUpload = (ctx: Ctx, upload: WantedUpload): Promise<number | undefined> =>
  takeTogether(ctx, upload);

const RELEASE = {
  name: "registry upload release",
  text: `
update container_upload set writer = null, size = $3, updated = clock_timestamp()
where id = $1 and writer = $2 and not is_over returning id`,
};

/** Lets others write, and acknowledges the bytes; false if the upload is gone. */
export async function releaseUpload(
  { hot, process }: Pick<Ctx, "hot" | "process">,
  id: string,
  sizeBytes: number,
): Promise<boolean> {
  const rows = await hot.query(RELEASE, [id, process.id, sizeBytes]);
  return rows.length > 0;
}

/** An upload that is to end. */
export interface EndingUpload {
  readonly id: string;
  /** Whether this process has taken it; else it ends only if nobody has ever gone on with it. */
  readonly isTaken: boolean;
}

/** Ends an upload that this process has taken; false if somebody else did. */
export async function endUpload(
  db: Executor,
  { id, domain }: Pick<UploadKey, "id" | "domain">,
): Promise<boolean> {
  return (await endUploads(db, domain, [{ id, isTaken: true }])).has(id);
}

/** `ended`: the ids of those that could end. */
const ending = (domain: number, uploads: readonly EndingUpload[]) => sql`
  with ending as materialized (
    select * from unnest(${uploads.map(({ id }) => id)}::uuid[],
      ${uploads.map(({ isTaken }) => isTaken)}::boolean[]) as k (id, is_taken)),
  closed as (
    update container_upload u set is_over = true, writer = null, updated = clock_timestamp()
    from ending k
    where k.is_taken and u.id = k.id and u.domain = ${domain}::int and not u.is_over
    returning u.id),
  ended as (
    select id from closed
    union all
    select k.id from ending k where not k.is_taken
      and not exists (select from container_upload u where u.id = k.id))`;

/** The statement of a flight that ends uploads; it fails if one of them cannot end like that. */
export const uploadsEnd = (domain: number, uploads: readonly EndingUpload[]) =>
  sql`${sql.raw(PREPARE)} ${ending(domain, uploads)}
    select ${flights.checked(sql<boolean>`(select count(*) from ended) = ${uploads.length}::int`)}`;

/** Ends uploads of a domain; returns those that could end like that. */
export async function endUploads(
  db: Executor,
  domain: number,
  uploads: readonly EndingUpload[],
): Promise<ReadonlySet<string>> {
  if (uploads.length === 0) return new Set();
  const { rows } = await sql<{ id: string }>`
    ${ending(domain, uploads)} select id from ended`.execute(db);
  return new Set(rows.map(({ id }) => id));
}

export interface ExpiredUpload {
  readonly id: string;
  readonly num: number;
  readonly domain: string;
  readonly name: string;
}

/** Takes uploads that nobody continued for so long, unless somebody writes right now. */
export async function deleteExpired(
  { db }: Pick<Ctx, "db">,
  { minutes, limit }: { readonly minutes: number; readonly limit: number },
): Promise<readonly ExpiredUpload[]> {
  const { rows } = await sql<ExpiredUpload>`
    with old as (
      select id from container_upload
      where updated < clock_timestamp() - make_interval(mins => ${minutes}) and writer is null
      order by updated limit ${limit} for update skip locked),
    abandoned as (
      select u.id from container_upload u
      where u.updated < clock_timestamp() - make_interval(mins => ${minutes})
        and u.writer is not null and not exists (
          select from app_process p where p.id = u.writer
            and p.last_heartbeat > clock_timestamp() - make_interval(secs => p.ttl_seconds))
      order by u.updated limit ${limit} for update skip locked)
    delete from container_upload u using domain d
    where d.num = u.domain and (u.id in (select id from old) or u.id in (select id from abandoned))
    returning u.id, d.num, d.id as domain, d.name`.execute(db);
  return rows;
}

/** Which of these have no row or are over: their files are leftovers. */
export async function unknownUploads(
  { db }: Pick<Ctx, "db">,
  ids: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    select w.id from unnest(${ids}::uuid[]) as w (id)
    where not exists (select from container_upload u where u.id = w.id and not u.is_over)`.execute(
    db,
  );
  return rows.map(({ id }) => id);
}

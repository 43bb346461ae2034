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

/** Not waited for: what follows an upload's beginning is, and makes it durable, too. */
const IN_PASSING = `select set_config('synchronous_commit', 'off', true)`;

/** Parameters of statements about the uploads of several requests. */
const columnsOf = (keys: readonly UploadKey[]): readonly unknown[] => [
  keys.map(({ id }) => id),
  keys.map(({ domain }) => domain),
  keys.map(({ repository }) => repository),
  keys.map(({ owner }) => owner),
];

const INSERT = `${PREPARE}
with passing as materialized (${IN_PASSING})
insert into container_upload (id, domain, repository, owner)
select k.id, k.domain, k.repository, k.owner
from passing, unnest($1::uuid[], $2::int[], $3::uuid[], $4::int[]) as k (id, domain, repository, owner)`;

const insertTogether = flights.together<UploadKey, void>(async ({ hot }, keys) => {
  await hot.inOneFlight([{ text: INSERT, values: columnsOf(keys) }]);
  return keys.map(() => undefined);
});

export const insertUpload = (ctx: Ctx, key: UploadKey): Promise<void> => insertTogether(ctx, key);

const KEY = `id = $1 and domain = $2 and repository = $3 and owner is not distinct from $4`;

const SIZE = {
  name: "registry upload size",
  text: `select size from container_upload where ${KEY}`,
};

/** Acknowledged bytes; undefined if there is no such upload. */
export async function uploadSize(
  { hot }: Pick<Ctx, "hot">,
  key: UploadKey,
): Promise<number | undefined> {
  const [row] = await hot.query<{ size: number }>(SIZE, of(key));
  return row && Number(row.size);
}

/** A process that died while it wrote does not keep an upload from going on. */
const TAKE = `${PREPARE}
with passing as materialized (${IN_PASSING}),
wanted as materialized (
  select k.at, u.id from passing,
    unnest($1::uuid[], $2::int[], $3::uuid[], $4::int[]) with ordinality
      as k (id, domain, repository, owner, at)
  cross join lateral (select id from container_upload
    where id = k.id and domain = k.domain and repository = k.repository
      and owner is not distinct from k.owner offset 0) u)
update container_upload u set writer = $5::uuid, updated = clock_timestamp()
from wanted w
where u.id = w.id and (u.writer is null or u.writer = $5::uuid or not exists (
  select from app_process p where p.id = u.writer
    and p.last_heartbeat > clock_timestamp() - make_interval(secs => p.ttl_seconds)))
returning w.at, u.size`;

const takeTogether = flights.together<UploadKey, number | undefined>(
  async ({ hot, process }, keys) => {
    const values = [...columnsOf(keys), process.id];
    const [rows = []] = await hot.inOneFlight([{ text: TAKE, values }]);
    const taken = rows as readonly { readonly at: number; readonly size: number }[];
    const sizes = new Map(taken.map(({ at, size }) => [Number(at), Number(size)]));
    return keys.map((_, index) => sizes.get(index + 1));
  },
);

/** Makes this process the one that writes; undefined if it cannot be, or there is no such upload. */
export const takeUpload = (ctx: Ctx, key: UploadKey): Promise<number | undefined> =>
  takeTogether(ctx, key);

const RELEASE = {
  name: "registry upload release",
  text: `
update container_upload set writer = null, size = $3, updated = clock_timestamp()
where id = $1 and writer = $2 returning id`,
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
export async function deleteUpload(
  db: Executor,
  { id, domain }: Pick<UploadKey, "id" | "domain">,
): Promise<boolean> {
  return (await deleteUploads(db, domain, [{ id, isTaken: true }])).has(id);
}

const deletion = (domain: number, uploads: readonly EndingUpload[]) => sql`
  delete from container_upload u
  using unnest(${uploads.map(({ id }) => id)}::uuid[],
    ${uploads.map(({ isTaken }) => isTaken)}::boolean[]) as k (id, is_taken)
  where u.id = k.id and u.domain = ${domain}::int
    and (k.is_taken or (u.writer is null and u.size = 0))
  returning u.id`;

/** The statement of a flight that ends uploads; it fails if one of them cannot end like that. */
export const uploadsEnd = (domain: number, uploads: readonly EndingUpload[]) =>
  sql`${sql.raw(PREPARE)}
    with gone as (${deletion(domain, uploads)})
    select ${flights.checked(sql<boolean>`(select count(*) from gone) = ${uploads.length}::int`)}`;

/** Ends uploads of a domain; returns those that could end like that. */
export async function deleteUploads(
  db: Executor,
  domain: number,
  uploads: readonly EndingUpload[],
): Promise<ReadonlySet<string>> {
  if (uploads.length === 0) return new Set();
  const { rows } = await sql<{ id: string }>`${deletion(domain, uploads)}`.execute(db);
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

/** Which of these have no row: their files are leftovers. */
export async function unknownUploads(
  { db }: Pick<Ctx, "db">,
  ids: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    select w.id from unnest(${ids}::uuid[]) as w (id)
    where not exists (select from container_upload u where u.id = w.id)`.execute(db);
  return rows.map(({ id }) => id);
}

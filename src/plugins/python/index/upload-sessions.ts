import { randomBytes } from "node:crypto";
import { type Ctx, type Executor, sql } from "#sdk";

/** After the last file of a session, how long its task waits for another one. */
const WINDOW_S = 5;

/** Units of one uploaded file. */
export interface UploadedUnits {
  readonly package: string;
  readonly provenance: string | null;
}

/** What a session is about to add. */
export interface UploadGroup {
  /** Until nothing more is waited for; 0 or less when the files are taken out. */
  readonly dueMs: number;
  readonly packages: readonly string[];
  readonly provenances: readonly string[];
}

/** A session, and when its task adds what it has. */
export interface UploadSession {
  readonly id: string;
  readonly start: string;
}

/**
 * Adds a file to a session that still waits, and makes it wait on.
 *
 * @returns undefined if there is no such session of this repository, or its task is at work.
 */
export async function extendSession(
  db: Executor,
  session: string,
  { repository, units }: { readonly repository: string; readonly units: UploadedUnits },
): Promise<UploadSession | undefined> {
  const { rows } = await sql<UploadSession>`
    update python_upload_session s
    set packages = packages || ${units.package}::uuid,
      provenances = case when ${units.provenance}::uuid is null then provenances
        else provenances || ${units.provenance}::uuid end,
      start = clock_timestamp() + make_interval(secs => ${WINDOW_S})
    from (select id from python_upload_session
      where id = ${session} and repository = ${repository} and start > clock_timestamp()
      for update skip locked) free
    where s.id = free.id
    returning s.id, s.start`.execute(db);
  return rows[0];
}

/** A session with its first file; what others left long ago goes. */
export async function beginSession(
  db: Executor,
  of: { readonly domain: number; readonly repository: string; readonly units: UploadedUnits },
): Promise<UploadSession> {
  const { domain, repository, units } = of;
  const id = randomBytes(16).toString("hex");
  const provenances = units.provenance === null ? [] : [units.provenance];
  await sql`delete from python_upload_session where start < clock_timestamp() - interval '1 day'`.execute(
    db,
  );
  const { rows } = await sql<UploadSession>`
    insert into python_upload_session (id, domain, repository, start, packages, provenances)
    values (${id}, ${domain}, ${repository},
      clock_timestamp() + make_interval(secs => ${WINDOW_S}),
      ${[units.package]}::uuid[], ${provenances}::uuid[])
    returning id, start`.execute(db);
  const [session] = rows;
  if (!session) throw new Error("A session was not saved.");
  return session;
}

/** The files of a session; once it is due they are taken out, and no more come. */
export async function takeGroup({ db }: Ctx, session: string): Promise<UploadGroup | undefined> {
  const { rows } = await sql<UploadGroup>`
    with due as (
      delete from python_upload_session where id = ${session} and start <= clock_timestamp()
      returning packages, provenances)
    select 0 as "dueMs", packages, provenances from due
    union all
    select greatest(1, ceil(extract(epoch from start - clock_timestamp()) * 1000))::int,
      '{}'::uuid[], '{}'::uuid[]
    from python_upload_session where id = ${session} and start > clock_timestamp()`.execute(db);
  return rows[0];
}

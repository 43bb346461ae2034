import type { DomainRef, Executor } from "#sdk";
import { sql } from "#sdk";

/** What is remembered of the page of a project. */
export interface ProjectState {
  readonly etag: string | null;
  readonly lastModified: string | null;
  readonly lastSerial: number | null;
}

export interface NamedState extends ProjectState {
  /** Normalised. */
  readonly name: string;
}

/** Whose memory, and under which conditions it may be believed. */
export interface MemoryKey {
  readonly domain: DomainRef;
  /** `repository.id` */
  readonly repository: string;
  /** Digest of all that decides what a sync takes. */
  readonly fingerprint: Buffer;
}

/**
 * Begins a sync: what is remembered stays only if it was made under the same conditions and the
 * repository is as that sync left it. Until `finishMemory` nothing is believed by others.
 *
 * @returns how many projects are remembered.
 */
export async function beginMemory(db: Executor, key: MemoryKey): Promise<number> {
  const { domain, repository, fingerprint } = key;
  const { rows } = await sql<{ known: number }>`
    with before as (
      select s.repository from python_sync_state s
      join repository r on r.domain = s.domain and r.id = s.repository
      where s.repository = ${repository} and s.fingerprint = ${fingerprint}
        and s.number = (select max(v.number) from repository_version v
          where v.repository = r.num and v.complete)),
    begun as (
      insert into python_sync_state (repository, domain, fingerprint)
      values (${repository}, ${domain.num}, ${fingerprint})
      on conflict (repository) do update set fingerprint = excluded.fingerprint, number = null),
    gone as (
      delete from python_project_state
      where repository = ${repository} and not exists (select from before))
    select count(*) as known from python_project_state
    where repository = ${repository} and exists (select from before)`.execute(db);
  return Number(rows[0]?.known ?? 0);
}

/** What is remembered of some projects, by name. */
export async function rememberedStates(
  db: Executor,
  repository: string,
  names: readonly string[],
): Promise<Map<string, ProjectState>> {
  const { rows } = await sql<{
    name: string;
    etag: string | null;
    last_modified: string | null;
    last_serial: number | null;
  }>`
    select name, etag, last_modified, last_serial from python_project_state
    where repository = ${repository} and name = any(${names}::text[])`.execute(db);
  return new Map(
    rows.map(({ name, etag, last_modified, last_serial }) => [
      name,
      {
        etag,
        lastModified: last_modified,
        lastSerial: last_serial === null ? null : Number(last_serial),
      },
    ]),
  );
}

/** Remembers pages whose files are declared. */
export async function rememberProjects(
  db: Executor,
  repository: string,
  states: readonly NamedState[],
): Promise<void> {
  if (states.length === 0) return;
  await sql`
    insert into python_project_state (repository, name, etag, last_modified, last_serial)
    select ${repository}, * from unnest(${states.map(({ name }) => name)}::text[],
      ${states.map(({ etag }) => etag)}::text[],
      ${states.map(({ lastModified }) => lastModified)}::text[],
      ${states.map(({ lastSerial }) => lastSerial)}::bigint[])
    on conflict (repository, name) do update set etag = excluded.etag,
      last_modified = excluded.last_modified, last_serial = excluded.last_serial`.execute(db);
}

/** Forgets projects that upstream has no more. */
export async function forgetProjects(
  db: Executor,
  repository: string,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return;
  await sql`
    delete from python_project_state
    where repository = ${repository} and name = any(${names}::text[])`.execute(db);
}

/** Forgets every project but these. */
export async function keepProjects(
  db: Executor,
  repository: string,
  names: readonly string[],
): Promise<void> {
  await sql`
    delete from python_project_state s
    where s.repository = ${repository} and not exists (
      select from unnest(${names}::text[]) as present (name) where present.name = s.name)
  `.execute(db);
}

/** Ends a sync: from now on what is remembered belongs to the latest version. */
export async function finishMemory(db: Executor, repository: string): Promise<void> {
  await sql`
    update python_sync_state s set number = (
      select max(v.number) from repository_version v join repository r on r.num = v.repository
      where r.domain = s.domain and r.id = s.repository and v.complete)
    where s.repository = ${repository}`.execute(db);
}

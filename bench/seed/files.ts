import pg from "pg";

/**
 * Gives a repository a version 1 of so many on-demand file units, straight in the database: what a
 * sync would leave, without its hours at a million units.
 *
 * @param repository href of the repository, which has only its version 0.
 */
export async function seedFiles(url: string, repository: string, count: number): Promise<void> {
  const id = repository.split("/").at(-2);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("begin");
    await client.query("set local synchronous_commit = off");
    await client.query(
      `create temporary table unit on commit drop as
         select uuidv7() as id, uuidv7() as artifact_id,
                $1 || '/' || n || '.bin' as path, sha256(($1 || n)::bytea) as digest
         from generate_series(1, $2::int) n`,
      [id, count],
    );
    for (const text of STATEMENTS) await client.query(text, text.includes("$1") ? [id] : []);
    await client.query(VERSION, [id, count]);
    await client.query("commit");
  } finally {
    await client.end();
  }
}

const STATEMENTS = [
  `insert into content (id, domain, type, natural_key, slot)
     select u.id, r.domain, t.num, u.digest, md5(u.path)::uuid
     from unit u, repository r, content_type t where r.id = $1 and t.name = 'file.file'`,
  `insert into file_content (id, domain, relative_path, digest)
     select u.id, r.domain, u.path, u.digest from unit u, repository r where r.id = $1`,
  `insert into content_artifact (id, domain, content, relative_path, path_key)
     select u.artifact_id, r.domain, u.id, u.path, md5(u.path)::uuid
     from unit u, repository r where r.id = $1`,
  `insert into membership (repository, added, domain, type, slot, content)
     select r.num, 1, r.domain, t.num, md5(u.path)::uuid, u.id
     from unit u, repository r, content_type t where r.id = $1 and t.name = 'file.file'`,
  `insert into content_count (domain, type, n)
     select r.domain, t.num, (select count(*) from unit)
     from repository r, content_type t where r.id = $1 and t.name = 'file.file'
     on conflict (domain, type) do update set n = content_count.n + excluded.n`,
  "update repository set next_version = 2 where id = $1",
] as const;

const VERSION = `insert into repository_version
    (id, domain, repository, number, complete, counts)
  select gen_random_uuid(), domain, num, 1, true,
    jsonb_build_object('present', jsonb_build_object('file.file', $2::int),
                       'added', jsonb_build_object('file.file', $2::int))
  from repository where id = $1`;

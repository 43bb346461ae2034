import pg from "pg";

/** What a repository gets: projects of so many wheels each. */
export interface Seeded {
  /** `<prefix>-1`, `<prefix>-2` …, or just `<prefix>` where there is one. */
  readonly prefix: string;
  readonly projects: number;
  readonly files: number;
}

/**
 * Gives a Python repository a version 1 of on-demand wheels, straight in the database: what a sync
 * would leave, without its hours.
 *
 * @param repository href of the repository, which has only its version 0.
 */
export async function seedPackages(
  url: string,
  repository: string,
  seeds: readonly Seeded[],
): Promise<void> {
  const id = repository.split("/").at(-2);
  const count = seeds.reduce((sum, { projects, files }) => sum + projects * files, 0);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("begin");
    await client.query("set local synchronous_commit = off");
    await client.query(UNITS, [
      id,
      seeds.map(({ prefix }) => prefix),
      seeds.map(({ projects }) => projects),
      seeds.map(({ files }) => files),
    ]);
    for (const text of STATEMENTS) await client.query(text, text.includes("$1") ? [id] : []);
    await client.query(VERSION, [id, count]);
    await client.query("commit");
    await client.query("vacuum analyze");
  } finally {
    await client.end();
  }
}

const UNITS = `
  create temporary table unit on commit drop as
  select uuidv7() as id, uuidv7() as file_id, n.name, f.version,
    format('%s-%s-py3-none-any.whl', replace(n.name, '-', '_'), f.version) as filename,
    sha256(($1 || n.name || f.version)::bytea) as digest
  from unnest($2::text[], $3::int[], $4::int[]) as s (prefix, projects, files)
  cross join lateral generate_series(1, s.projects) p
  cross join lateral (select case when s.projects = 1 then s.prefix
    else s.prefix || '-' || p end as name) n
  cross join lateral (select format('%s.%s', v / 10, v % 10) as version
    from generate_series(1, s.files) v) f`;

const STATEMENTS = [
  `insert into content (id, domain, type, natural_key, slot)
     select u.id, r.domain, t.num, u.digest, md5(u.filename)::uuid
     from unit u, repository r, content_type t where r.id = $1 and t.name = 'python.python'`,
  `insert into python_package (id, domain, filename, sha256, size, packagetype, name,
       name_normalized, version, metadata_version, python_version, requires_python, metadata_sha256)
     select u.id, r.domain, u.filename, u.digest, 51200, 'bdist_wheel', u.name, u.name, u.version,
       '2.1', 'py3', '>=3.8', sha256(u.digest)
     from unit u, repository r where r.id = $1`,
  `insert into content_artifact (id, domain, content, relative_path, path_key)
     select u.file_id, r.domain, u.id, u.filename, md5(u.filename)::uuid
     from unit u, repository r where r.id = $1`,
  `insert into membership (repository, added, domain, type, slot, content)
     select r.num, 1, r.domain, t.num, md5(u.filename)::uuid, u.id
     from unit u, repository r, content_type t where r.id = $1 and t.name = 'python.python'`,
  `insert into content_count (domain, type, n)
     select r.domain, t.num, (select count(*) from unit)
     from repository r, content_type t where r.id = $1 and t.name = 'python.python'
     on conflict (domain, type) do update set n = content_count.n + excluded.n`,
  "update repository set next_version = 2 where id = $1",
] as const;

const VERSION = `insert into repository_version
    (id, domain, repository, number, complete, counts)
  select gen_random_uuid(), domain, num, 1, true,
    jsonb_build_object('present', jsonb_build_object('python.python', $2::int),
                       'added', jsonb_build_object('python.python', $2::int))
  from repository where id = $1`;

import pg from "pg";

/**
 * Gives a registry's repository the tags `t1` to `t<count>` of what its tag `t0` means, straight in
 * the database: what so many pushes would leave, without their hours.
 *
 * @param name of the repository, which was pushed to and has no other tags yet.
 */
export async function seedTags(url: string, name: string, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("begin");
    await client.query("set local synchronous_commit = off");
    await client.query(TAGS, [name, count]);
    for (const text of STATEMENTS) await client.query(text);
    await client.query("commit");
    await client.query("vacuum analyze");
  } finally {
    await client.end();
  }
}

/** With the slot as it is made of the type and the name, so that pushes find them. */
const TAGS = `
  create temporary table unit on commit drop as
  select uuidv7() as id, n.name, t.manifest, c.type, m.repository, m.added, m.domain,
    substr(encode(sha256(('13:container.tag' || length(n.name) || ':' || n.name)::bytea), 'hex'),
      1, 32)::uuid as slot
  from distribution d
  join repository r on r.domain = d.domain and r.id = d.repository
  join membership m on m.repository = r.num and m.removed = 2147483647
  join container_tag t on t.domain = m.domain and t.id = m.content and t.name = 't0'
  join content c on c.domain = t.domain and c.id = t.id
  cross join lateral (select 't' || i as name from generate_series(1, $2::int) i) n
  where d.base_path = $1`;

const STATEMENTS = [
  `insert into content (id, domain, type, natural_key, slot)
     select id, domain, type, sha256((id || name)::bytea), slot from unit`,
  `insert into container_tag (id, domain, name, manifest)
     select id, domain, name, manifest from unit`,
  `insert into membership (repository, added, domain, type, slot, content)
     select repository, added, domain, type, slot, id from unit`,
  `insert into content_count (domain, type, n)
     select domain, type, count(*) from unit group by domain, type
     on conflict (domain, type) do update set n = content_count.n + excluded.n`,
] as const;

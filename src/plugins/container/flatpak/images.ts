import type { Ctx } from "#sdk";
import type { FlatpakQuery } from "./query.ts";

/** Public repositories, and what each serves: `v` has the version. */
const PLACES = `
  from domain m
  join distribution x on x.domain = m.num and x.type = 'container.container'
  join container_distribution c on c.domain = x.domain and c.id = x.id and not c.private
  left join repository r on r.domain = x.domain and r.id = x.repository
  join lateral (
    (select v.repository, v.number from repository_version v
      where v.repository = r.num and v.complete order by v.number desc limit 1)
    union all
    (select v.repository, v.number from repository_version v
      where r.id is null and v.id = x.version and v.complete)
    limit 1) v on true
  where m.name = 'default'`;

const state = {
  name: "flatpak state",
  text: `
    select coalesce(md5(string_agg(
      concat_ws(' ', x.base_path, v.repository, v.number), ',' order by x.id)), '') as state
    ${PLACES}`,
};

/** Changes with everything that the index could show. */
export async function indexState({ hot }: Pick<Ctx, "hot">): Promise<string> {
  const [row] = await hot.query<{ state: string }>(state, []);
  return row?.state ?? "";
}

/** Repositories that one statement looks at. */
const BATCH = 200;

const images = {
  name: "flatpak images",
  text: `
    with places as materialized (
      select x.domain, x.base_path, v.repository, v.number
      ${PLACES} and x.base_path collate "C" > $1 and ($2::text[] = '{}' or x.base_path = any($2))
      order by x.base_path collate "C" limit ${BATCH}
    ), tagged as materialized (
      select p.*, t.name as tag, i.id, i.digest, i.type
      from places p
      join membership m on m.repository = p.repository
        and m.added <= p.number and m.removed > p.number
      join container_tag t on t.domain = p.domain and t.id = m.content
      join container_manifest i on i.domain = t.domain and i.id = t.manifest
      where $3::text[] = '{}' or t.name = any($3)
    ), named as (
      select g.base_path, g.domain, g.tag, g.id, null::jsonb as platform
      from tagged g where g.type is distinct from 'index'
      union all
      select g.base_path, g.domain, g.tag, i.id, f.platform
      from tagged g
      join container_reference f on f.domain = g.domain and f.manifest = g.id and f.kind = 'child'
      join container_manifest i on i.domain = f.domain and i.digest = f.digest
      where g.type = 'index' and exists (select from membership m
        where m.repository = g.repository and m.content = i.id
          and m.added <= g.number and m.removed > g.number)
    ), found as (
      select n.base_path, array_agg(distinct n.tag order by n.tag) as tags, i.digest, i.media_type,
        coalesce(min(n.platform->>'os'), i.os) as os,
        coalesce(min(n.platform->>'architecture'), i.architecture) as architecture, i.labels
      from named n join container_manifest i on i.domain = n.domain and i.id = n.id
      where i.labels <> '{}' and i.labels ?& $6::text[] and i.annotations ?& $8::text[]
        and not exists (select from jsonb_each($7::jsonb) w
          where not w.value ? coalesce(i.labels->>w.key, '') or not i.labels ? w.key)
        and not exists (select from jsonb_each($9::jsonb) w
          where not w.value ? coalesce(i.annotations->>w.key, '') or not i.annotations ? w.key)
      group by n.base_path, i.domain, i.id
    )
    select p.base_path as name, (
      select coalesce(json_agg(json_build_object('Tags', f.tags, 'Digest', f.digest,
        'MediaType', f.media_type, 'OS', f.os, 'Architecture', f.architecture,
        'Labels', f.labels) order by f.digest), '[]')::text
      from found f where f.base_path = p.base_path
        and ($4::text[] = '{}' or f.os = any($4))
        and ($5::text[] = '{}' or f.architecture = any($5))) as images
    from places p order by p.base_path collate "C"`,
};

interface Row {
  readonly name: string;
  /** JSON */
  readonly images: string;
}

/** JSON texts of the repositories that have such images, a batch at a time. */
export async function* repositoriesWith(
  { hot, settings }: Pick<Ctx, "hot" | "settings">,
  query: FlatpakQuery,
): AsyncGenerator<readonly string[]> {
  const { labels, annotations } = query;
  const prefix = settings.DOMAIN_ENABLED ? "default/" : "";
  const fixed = [
    ...[query.repositories, query.tags, query.systems, query.architectures],
    ...[labels.present, JSON.stringify(labels.values)],
    ...[annotations.present, JSON.stringify(annotations.values)],
  ];
  for (let after = ""; ; ) {
    const rows = await hot.query<Row>(images, [after, ...fixed]);
    yield rows
      .filter((row) => row.images !== "[]")
      .map((row) => `{"Name":${JSON.stringify(prefix + row.name)},"Images":${row.images}}`);
    const last = rows.at(-1);
    if (last === undefined || rows.length < BATCH) return;
    after = last.name;
  }
}

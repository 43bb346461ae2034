import type { Ctx } from "#sdk";

/** An object that permissions are given on, and what the asker holds there by roles on itself. */
export interface Held {
  readonly id: string;
  readonly permissions: ReadonlySet<string>;
}

/** What is known about a name of the registry, and what the asker holds on it. */
export interface Facts {
  /** `domain.num`; null if there is no such domain. */
  readonly domain: number | null;
  readonly distribution: (Held & { readonly isPrivate: boolean }) | null;
  /** Type of the repository that it serves, for its PRN. */
  readonly repository: { readonly id: string; readonly type: string } | null;
  /** Of the distribution, or the one that the name begins with. */
  readonly namespace: Held | null;
  /** The nearest pull-through distribution above the name, with its namespace. */
  readonly pullThrough: {
    readonly own: Held;
    readonly namespace: Held;
    readonly isPrivate: boolean;
  } | null;
}

/** A name in its domain, without it. */
export interface PlacedName {
  /** Name of the domain. */
  readonly domain: string;
  readonly basePath: string;
}

interface FactsRow {
  readonly domain: number | null;
  readonly distribution: string | null;
  readonly private: boolean | null;
  readonly repository: string | null;
  readonly repository_type: string | null;
  readonly namespace: string | null;
  readonly pull_through: string | null;
  readonly pull_through_namespace: string | null;
  readonly pull_through_private: boolean | null;
  readonly held: readonly { readonly object: string; readonly permissions: readonly string[] }[];
}

const factsOfNames = {
  name: "facts of registry names",
  text: `
    select m.num as domain, d.id as distribution, d.private, d.repository, d.repository_type,
      n.id as namespace, p.id as pull_through, p.namespace as pull_through_namespace,
      p.private as pull_through_private,
      (select coalesce(jsonb_agg(h), '[]') from (
        select a.object, array_agg(distinct r.permission) as permissions
        from role_assignment a join role_permission r on r.role = a.role
        where a.object in (d.id, n.id, p.id, p.namespace) and a.domain = m.num
          and a.subject = any($3::int[]) and r.permission like 'container.%'
        group by a.object) h) as held
    from unnest($1::text[], $2::text[]) with ordinality as q (domain, base_path, at)
    left join domain m on m.name = q.domain
    left join lateral (
      select d.id, c.private, c.namespace, r.id as repository, r.type as repository_type
      from distribution d join container_distribution c on c.domain = d.domain and c.id = d.id
      left join repository r on r.domain = d.domain and r.id = d.repository
      where d.domain = m.num and d.base_path = q.base_path and d.type = 'container.container'
    ) d on true
    left join lateral (
      select coalesce(d.namespace, (select s.id from container_namespace s
        where s.domain = m.num and s.name = split_part(q.base_path, '/', 1))) as id
    ) n on true
    left join lateral (
      select x.id, c.namespace, c.private
      from distribution x join container_distribution c on c.domain = x.domain and c.id = x.id
      where x.domain = m.num and x.type = 'container.pull-through' and x.base_path = any(array(
        select array_to_string((string_to_array(q.base_path, '/'))[1:depth], '/')
        from generate_series(1, cardinality(string_to_array(q.base_path, '/')) - 1) as depth))
      order by length(x.base_path) desc limit 1
    ) p on true
    order by q.at`,
};

/**
 * Facts about names, in their order and with one statement.
 *
 * @param subjects a user and the user's groups, as in `role_assignment`
 */
export async function factsOf(
  { hot }: Pick<Ctx, "hot">,
  names: readonly PlacedName[],
  subjects: readonly number[],
): Promise<readonly Facts[]> {
  const domains = names.map(({ domain }) => domain);
  const paths = names.map(({ basePath }) => basePath);
  const rows = await hot.query<FactsRow>(factsOfNames, [domains, paths, subjects]);
  return rows.map(factsOfRow);
}

function factsOfRow(row: FactsRow): Facts {
  const held = new Map(
    row.held.map(({ object, permissions }) => [object, new Set(permissions)] as const),
  );
  const heldOn = (id: string): Held => ({ id, permissions: held.get(id) ?? new Set() });
  const { repository: id, repository_type: type } = row;
  return {
    domain: row.domain,
    distribution: row.distribution
      ? { ...heldOn(row.distribution), isPrivate: row.private === true }
      : null,
    repository: id === null || type === null ? null : { id, type },
    namespace: row.namespace ? heldOn(row.namespace) : null,
    pullThrough:
      row.pull_through && row.pull_through_namespace
        ? {
            own: heldOn(row.pull_through),
            namespace: heldOn(row.pull_through_namespace),
            isPrivate: row.pull_through_private === true,
          }
        : null,
  };
}

import type { Ctx } from "#sdk";

/** An object that permissions are given on, and what the asker holds there by roles on itself. */
export interface Held {
  readonly id: string;
  readonly permissions: ReadonlySet<string>;
}

/** What is known about a name of the registry, and what the asker holds on it. */
export interface Facts {
  readonly distribution: (Held & { readonly isPrivate: boolean }) | null;
  /** Type of the repository that it serves, for its PRN. */
  readonly repository: { readonly id: string; readonly type: string } | null;
  /** Of the distribution, or the one that the name begins with. */
  readonly namespace: Held | null;
  /** The nearest pull-through distribution above the name, with its namespace. */
  readonly pullThrough: { readonly own: Held; readonly namespace: Held } | null;
}

/** Asks about one name on behalf of some subjects: a user and the user's groups. */
export interface FactsQuestion {
  readonly subjects: readonly number[];
  /** `domain.num` */
  readonly domain: number;
  /** Without the domain. */
  readonly basePath: string;
}

interface FactsRow {
  readonly distribution: string | null;
  readonly private: boolean | null;
  readonly repository: string | null;
  readonly repository_type: string | null;
  readonly namespace: string | null;
  readonly pull_through: string | null;
  readonly pull_through_namespace: string | null;
  readonly held: readonly { readonly object: string; readonly permissions: readonly string[] }[];
}

const factsOfName = {
  name: "facts of a registry name",
  text: `
    with d as (
      select d.id, c.private, c.namespace, r.id as repository, r.type as repository_type
      from distribution d join container_distribution c on c.domain = d.domain and c.id = d.id
      left join repository r on r.domain = d.domain and r.id = d.repository
      where d.domain = $1 and d.base_path = $2 and d.type = 'container.container'
    ), n as (
      select coalesce((select namespace from d),
        (select id from container_namespace where domain = $1 and name = $3)) as id
    ), p as (
      select d.id, c.namespace
      from distribution d join container_distribution c on c.domain = d.domain and c.id = d.id
      where d.domain = $1 and d.base_path = any($4::text[]) and d.type = 'container.pull-through'
      order by length(d.base_path) desc limit 1
    ), o as (
      select id from d union select id from n where id is not null
      union select id from p union select namespace from p
    )
    select d.id as distribution, d.private, d.repository, d.repository_type, n.id as namespace,
      p.id as pull_through, p.namespace as pull_through_namespace,
      (select coalesce(jsonb_agg(jsonb_build_object('object', h.object, 'permissions', h.permissions)), '[]')
        from (select a.object, array_agg(distinct q.permission) as permissions
          from role_assignment a join role_permission q on q.role = a.role
          where a.object in (select id from o) and a.domain = $1 and a.subject = any($5::int[])
            and q.permission like 'container.%'
          group by a.object) h) as held
    from n left join d on true left join p on true`,
};

/** Facts about a name, with one statement. */
export async function factsOf(
  { hot }: Pick<Ctx, "hot">,
  { subjects, domain, basePath }: FactsQuestion,
): Promise<Facts> {
  const [namespace = ""] = basePath.split("/", 1);
  const values = [domain, basePath, namespace, foldersOf(basePath), subjects];
  const [row] = await hot.query<FactsRow>(factsOfName, values);
  if (!row) return { distribution: null, repository: null, namespace: null, pullThrough: null };
  const held = new Map(
    row.held.map(({ object, permissions }) => [object, new Set(permissions)] as const),
  );
  const heldOn = (id: string): Held => ({ id, permissions: held.get(id) ?? new Set() });
  return {
    distribution: row.distribution
      ? { ...heldOn(row.distribution), isPrivate: row.private === true }
      : null,
    repository: row.repository ? { id: row.repository, type: row.repository_type ?? "" } : null,
    namespace: row.namespace ? heldOn(row.namespace) : null,
    pullThrough:
      row.pull_through && row.pull_through_namespace
        ? { own: heldOn(row.pull_through), namespace: heldOn(row.pull_through_namespace) }
        : null,
  };
}

/** `a/b/c` → `a`, `a/b`: a pull-through distribution serves what lies below its base path. */
function foldersOf(basePath: string): readonly string[] {
  const segments = basePath.split("/");
  return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join("/"));
}

import { prn } from "#base/prn.ts";
import { type Executor, sql } from "#sdk";

/** The members of the latest version of a repository. */
export interface Members {
  /** `domain.num` */
  readonly domain: number;
  /** `repository.num` */
  readonly repository: number;
}

export interface Removal {
  /** `content.id`s; those that are no members are passed over. */
  readonly units: readonly string[];
  /** Manifests among them that go although an index needs them. */
  readonly forced?: readonly string[];
}

export interface Removed {
  /** What goes: the units and what only they need. */
  readonly remove: readonly string[];
  /** PRNs of what was named and is needed by what stays. */
  readonly kept: readonly string[];
}

/** The last version's members have no end. */
const OPEN = 2_147_483_647;

const isMember = ({ repository }: Members, unit: string) => sql`exists (
  select from membership m where m.repository = ${repository} and m.content = ${sql.ref(unit)}
    and m.removed = ${OPEN})`;

/**
 * What goes with units (plugin-container §4.2), from the top down: tags; manifests unless something
 * that stays needs them; the children of indexes that go; the blobs of manifests that go; and
 * signatures. As many statements as indexes nest. Ask it while nobody changes the repository.
 */
export async function removalOf(
  db: Executor,
  members: Members,
  { units, forced = [] }: Removal,
): Promise<Removed> {
  const named = await namedMembers(db, members, units);
  const of = (kind: string) => named.filter((row) => row.kind === kind).map(({ id }) => id);
  const tags = of("tag");
  const going = new Set(forced);
  const candidates = new Set([...of("manifest"), ...of("manifest of a tag")]);
  if (going.size > 0)
    for (const id of await childrenOf(db, members, [...going])) candidates.add(id);
  for (;;) {
    const open = [...candidates].filter((id) => !going.has(id));
    const free = await freeManifests(db, members, { open, going: [...going], tags });
    if (free.length === 0) break;
    for (const id of free) going.add(id);
    for (const id of await childrenOf(db, members, free)) candidates.add(id);
  }
  const manifests = [...going];
  const rest = await attachedMembers(db, members, { manifests, blobs: of("blob") });
  const remove = [...new Set([...tags, ...of("signature"), ...manifests, ...rest])];
  const gone = new Set(remove);
  const kept = named.filter(({ id, kind }) => kind in MODELS && !gone.has(id));
  return { remove, kept: kept.map(({ id, kind }) => prn(MODELS[kind as "blob"], id)) };
}

const MODELS = { manifest: "container.Manifest", blob: "container.Blob" } as const;

interface Named {
  readonly id: string;
  readonly kind: "tag" | "manifest" | "manifest of a tag" | "blob" | "signature";
}

async function namedMembers(
  db: Executor,
  members: Members,
  units: readonly string[],
): Promise<readonly Named[]> {
  const { domain } = members;
  const ours = sql`domain = ${domain} and id = any(${units}::uuid[])`;
  const { rows } = await sql<Named>`
    select n.id, n.kind from (
      select id, 'tag' as kind from container_tag where ${ours}
      union all select id, 'manifest' from container_manifest where ${ours}
      union all select id, 'blob' from container_blob where ${ours}
      union all select id, 'signature' from container_signature where ${ours}
      union all select t.manifest, 'manifest of a tag' from container_tag t
        where t.domain = ${domain} and t.id = any(${units}::uuid[]) and ${isMember(members, "t.id")}
    ) n where ${isMember(members, "n.id")}`.execute(db);
  return rows;
}

interface Candidates {
  readonly open: readonly string[];
  readonly going: readonly string[];
  readonly tags: readonly string[];
}

/** Manifests that no tag and no index needs that stays. */
async function freeManifests(
  db: Executor,
  members: Members,
  { open, going, tags }: Candidates,
): Promise<string[]> {
  if (open.length === 0) return [];
  const { domain } = members;
  const { rows } = await sql<{ id: string }>`
    select c.id from container_manifest c
    where c.domain = ${domain} and c.id = any(${open}::uuid[])
      and not exists (select from container_tag t
        where t.domain = c.domain and t.manifest = c.id and t.id <> all(${tags}::uuid[])
          and ${isMember(members, "t.id")})
      and not exists (select from container_reference r
        where r.domain = c.domain and r.digest = c.digest and r.kind = 'child'
          and r.manifest <> all(${going}::uuid[]) and ${isMember(members, "r.manifest")})`.execute(
    db,
  );
  return rows.map(({ id }) => id);
}

async function childrenOf(
  db: Executor,
  members: Members,
  parents: readonly string[],
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select distinct c.id from container_reference r
    join container_manifest c on c.domain = r.domain and c.digest = r.digest
    where r.domain = ${members.domain} and r.manifest = any(${parents}::uuid[])
      and r.kind = 'child' and ${isMember(members, "c.id")}`.execute(db);
  return rows.map(({ id }) => id);
}

/** Tags and signatures of the manifests; blobs of theirs, and named ones, that nothing else needs. */
export async function attachedMembers(
  db: Executor,
  members: Members,
  {
    manifests,
    blobs,
  }: { readonly manifests: readonly string[]; readonly blobs: readonly string[] },
): Promise<string[]> {
  const { domain } = members;
  const about = sql`domain = ${domain} and manifest = any(${manifests}::uuid[])`;
  const { rows } = await sql<{ id: string }>`
    select n.id from (
      select id from container_tag where ${about}
      union select id from container_signature where ${about}
      union select b.id from container_blob b
        where b.domain = ${domain} and (b.id = any(${blobs}::uuid[]) or b.digest in (
            select digest from container_reference where ${about} and kind <> 'child'))
          and not exists (select from container_reference r
            where r.domain = b.domain and r.digest = b.digest and r.kind <> 'child'
              and r.manifest <> all(${manifests}::uuid[]) and ${isMember(members, "r.manifest")})
    ) n where ${isMember(members, "n.id")}`.execute(db);
  return rows.map(({ id }) => id);
}

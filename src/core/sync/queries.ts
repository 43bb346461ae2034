import { sql } from "kysely";
import type { Algorithm } from "#base/digests.ts";
import type { DomainRef, Executor } from "../ctx.ts";
import type { VersionRef } from "../plugin-contract.ts";
import type { DeclaredFile } from "./types.ts";

/** Strongest usual one first, as the peer looks artifacts up (core-content §8.1). */
const LOOKUP_ORDER = ["sha256", "sha512", "sha384", "sha224", "sha1", "md5"] as const;

/** The digest that a declared file is looked up by. */
export function lookupDigest(
  file: Pick<DeclaredFile, "digests">,
): { readonly algorithm: Algorithm; readonly hex: string } | undefined {
  for (const algorithm of LOOKUP_ORDER) {
    const hex = file.digests[algorithm];
    if (hex !== undefined) return { algorithm, hex: hex.toLowerCase() };
  }
  return undefined;
}

/**
 * Stored artifacts by digest, one statement per algorithm that occurs.
 *
 * @returns `found`: `<algorithm>:<hex>` → `artifact.id`; `stale`: ids to touch, since an orphan
 *   clean-up would take them otherwise.
 */
export async function storedArtifacts(
  db: Executor,
  domain: DomainRef,
  files: readonly DeclaredFile[],
): Promise<{ readonly found: Map<string, string>; readonly stale: readonly string[] }> {
  const wanted = new Map<Algorithm, Set<string>>();
  for (const file of files) {
    const digest = lookupDigest(file);
    if (digest === undefined) continue;
    const hexes = wanted.get(digest.algorithm) ?? new Set();
    wanted.set(digest.algorithm, hexes.add(digest.hex));
  }
  const found = new Map<string, string>();
  const stale: string[] = [];
  for (const [algorithm, hexes] of wanted) {
    const rows = await artifactsBy(db, domain, { algorithm, hexes: [...hexes] });
    for (const { id, digest } of rows) found.set(`${algorithm}:${digest.toString("hex")}`, id);
    stale.push(...rows.flatMap(({ id, is_stale }) => (is_stale ? [id] : [])));
  }
  return { found, stale };
}

interface StoredRow {
  readonly id: string;
  readonly digest: Buffer;
  readonly is_stale: boolean;
}

async function artifactsBy(
  db: Executor,
  domain: DomainRef,
  by: { readonly algorithm: Algorithm; readonly hexes: readonly string[] },
): Promise<readonly StoredRow[]> {
  const digests = by.hexes.map((hex) => Buffer.from(hex, "hex"));
  const isSha256 = by.algorithm === "sha256";
  const column = sql.ref(isSha256 ? "a.sha256" : `d.${by.algorithm}`);
  const others = isSha256
    ? sql``
    : sql`join artifact_digest d on d.domain = a.domain and d.artifact = a.id`;
  const { rows } = await sql<StoredRow>`
    select a.id, ${column} as digest, a.touched < clock_timestamp() - interval '1 hour' as is_stale
    from artifact a ${others}
    where a.domain = ${domain.num} and ${column} = any(${digests}::bytea[])`.execute(db);
  return rows;
}

/** Units that a version removed, from its counts. */
export async function removedUnits(db: Executor, version: VersionRef): Promise<number> {
  const row = await db
    .selectFrom("repository_version")
    .select("counts")
    .where("id", "=", version.id)
    .executeTakeFirst();
  return Object.values(row?.counts.removed ?? {}).reduce((sum, count) => sum + count, 0);
}

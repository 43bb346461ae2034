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
 * @returns `<algorithm>:<hex>` → `artifact.id`
 */
export async function storedArtifacts(
  db: Executor,
  domain: DomainRef,
  files: readonly DeclaredFile[],
): Promise<Map<string, string>> {
  const wanted = new Map<Algorithm, Set<string>>();
  for (const file of files) {
    const digest = lookupDigest(file);
    if (digest === undefined) continue;
    const hexes = wanted.get(digest.algorithm) ?? new Set();
    wanted.set(digest.algorithm, hexes.add(digest.hex));
  }
  const found = new Map<string, string>();
  for (const [algorithm, hexes] of wanted) {
    const rows = await artifactsBy(db, domain, { algorithm, hexes: [...hexes] });
    for (const { id, digest } of rows) found.set(`${algorithm}:${digest.toString("hex")}`, id);
  }
  return found;
}

async function artifactsBy(
  db: Executor,
  domain: DomainRef,
  by: { readonly algorithm: Algorithm; readonly hexes: readonly string[] },
): Promise<{ id: string; digest: Buffer }[]> {
  const digests = by.hexes.map((hex) => Buffer.from(hex, "hex"));
  const column = sql.ref(by.algorithm);
  const { rows } = await (by.algorithm === "sha256"
    ? sql<{ id: string; digest: Buffer }>`
        select id, sha256 as digest from artifact
        where domain = ${domain.num} and sha256 = any(${digests}::bytea[])`
    : sql<{ id: string; digest: Buffer }>`
        select artifact as id, ${column} as digest from artifact_digest
        where domain = ${domain.num} and ${column} = any(${digests}::bytea[])`
  ).execute(db);
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

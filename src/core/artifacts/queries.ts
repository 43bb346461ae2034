import { sql } from "kysely";
import type { DomainRef, Executor } from "../ctx.ts";
import { prepared } from "../prepared.ts";
import { objectName } from "./rules.ts";
import type { StoredArtifact } from "./types.ts";

export { alreadyExists, checkExpected, chunkName, objectName } from "./rules.ts";

interface Row {
  readonly id: string;
  readonly sha256: Buffer;
  readonly size: number;
  readonly file: string | null;
}

/** Artifacts of a domain by their sha256 (lower-case hex); what is not stored is absent. */
export async function findArtifactsBySha256(
  db: Executor,
  domain: DomainRef,
  digests: readonly string[],
): Promise<Map<string, StoredArtifact>> {
  const { rows } = await sql<Row>`
    select id, sha256, size, file from artifact
    where domain = ${domain.num} and sha256 = any(${bytesOf(digests)}::bytea[])`.execute(db);
  return new Map(rows.map((row) => [row.sha256.toString("hex"), storedArtifact(domain, row)]));
}

/** Artifacts of a domain by id. */
export async function findArtifacts(
  db: Executor,
  domain: DomainRef,
  ids: readonly string[],
): Promise<Map<string, StoredArtifact>> {
  const { rows } = await sql<Row>`${prepared(ids.length)}
    select a.* from unnest(${ids}::uuid[]) as k (id)
    cross join lateral (select id, sha256, size, file from artifact
      where domain = ${domain.num} and id = k.id offset 0) a`.execute(db);
  return new Map(rows.map((row) => [row.id, storedArtifact(domain, row)]));
}

export const bytesOf = (digests: readonly string[]): Buffer[] =>
  digests.map((digest) => Buffer.from(digest, "hex"));

/** The row with the name of its object; rows from before canonical names carry their own. */
export function storedArtifact(domain: DomainRef, row: Row): StoredArtifact {
  const sha256 = row.sha256.toString("hex");
  const object = row.file ?? objectName(domain, sha256);
  return { id: row.id, sha256, sizeBytes: row.size, object };
}

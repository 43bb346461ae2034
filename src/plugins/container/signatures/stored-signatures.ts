import type { Ctx } from "#sdk";
import type { Place } from "../registry/places.ts";

/** Bytes of the signatures of one manifest that a repository takes, and shows. */
export const MOST_BYTES = 8_000_000;
export const MOST_SIGNATURES = 100;

export interface StoredSignature {
  readonly name: string;
  readonly body: Buffer;
}

const ofManifest = {
  name: "registry signatures of manifest",
  text: `
    select name, body from (
      select s.name, s.body, s.timestamp, s.id,
        sum(length(s.body)) over (order by s.timestamp, s.id) as bytes
      from container_signature s
      join membership m on m.domain = s.domain and m.content = s.id
      where s.domain = $1 and s.manifest = $2
        and m.repository = $3 and m.added <= $4 and m.removed > $4) s
    where bytes <= $5 order by timestamp, id limit $6`,
};

/** The oldest first; as many as fit into one answer. */
export async function signaturesOf(
  { hot }: Pick<Ctx, "hot">,
  { domain, version }: Place,
  manifest: string,
): Promise<readonly StoredSignature[]> {
  if (version === null) return [];
  const { repository, number } = version;
  const values = [domain.num, manifest, repository, number, MOST_BYTES, MOST_SIGNATURES];
  return hot.query<StoredSignature>(ofManifest, values);
}

import type { Ctx } from "#sdk";
import type { Place } from "./places.ts";

/** A blob of a repository. */
export interface FoundBlob {
  /** `content.id` */
  readonly id: string;
  readonly digest: string;
  readonly contentArtifact: string;
  /** Null while only a remote has the bytes. */
  readonly artifact: {
    readonly id: string;
    readonly sha256: Buffer;
    readonly sizeBytes: number;
    readonly file: string | null;
  } | null;
}

interface BlobRow {
  readonly id: string;
  readonly digest: string;
  readonly content_artifact: string;
  readonly artifact: string | null;
  readonly sha256: Buffer;
  readonly size: number;
  readonly file: string | null;
}

/** Of a version, or waiting to become part of the next one. */
export const IN_PLACE = `(
  exists (select from membership m where m.repository = $3 and m.content = b.id
    and m.added <= $4 and m.removed > $4)
  or exists (select from container_pending p where p.repository = $5 and p.content = b.id))`;

/** Values `$3` to `$5` of `IN_PLACE`. */
export const placeValues = ({ repository, version }: Place): readonly unknown[] => [
  version?.repository ?? -1,
  version?.number ?? 0,
  repository?.id ?? null,
];

const BLOB = {
  name: "registry blob",
  text: `
select b.id, b.digest, ca.id as content_artifact, ca.artifact, a.sha256, a.size, a.file
from container_blob b
join content_artifact ca on ca.content = b.id and ca.domain = b.domain
left join artifact a on a.domain = ca.domain and a.id = ca.artifact
where b.domain = $1 and b.digest = $2 and ${IN_PLACE}`,
};

export async function findBlob(
  { hot }: Pick<Ctx, "hot">,
  place: Place,
  digest: string,
): Promise<FoundBlob | undefined> {
  const values = [place.domain.num, digest, ...placeValues(place)];
  const [row] = await hot.query<BlobRow>(BLOB, values);
  if (!row) return undefined;
  const { id, content_artifact: contentArtifact, artifact, sha256, size, file } = row;
  return {
    ...{ id, digest: row.digest, contentArtifact },
    artifact: artifact === null ? null : { id: artifact, sha256, sizeBytes: Number(size), file },
  };
}

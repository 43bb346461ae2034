import type { Ctx } from "#sdk";
import { IN_PLACE, placeValues } from "./blob-queries.ts";
import type { Place } from "./places.ts";

/** A manifest of a repository, as it is served. */
export interface FoundManifest {
  /** `content.id` */
  readonly id: string;
  readonly digest: string;
  readonly mediaType: string;
  readonly body: Buffer;
}

interface ManifestRow {
  readonly id: string;
  readonly digest: string;
  readonly media_type: string;
  readonly body: Buffer;
}

const BY_DIGEST = {
  name: "registry manifest by digest",
  text: `
select b.id, b.digest, b.media_type, b.body from container_manifest b
where b.domain = $1 and b.digest = $2 and ${IN_PLACE}`,
};

const BY_TAG = {
  name: "registry manifest by tag",
  text: `
select b.id, b.digest, b.media_type, b.body
from container_tag t
join membership m on m.domain = t.domain and m.content = t.id
join container_manifest b on b.domain = t.domain and b.id = t.manifest
where t.domain = $1 and t.name = $2 and m.repository = $3 and m.added <= $4 and m.removed > $4`,
};

const found = (rows: readonly ManifestRow[]): FoundManifest | undefined =>
  rows.map(({ id, digest, media_type: mediaType, body }) => ({ id, digest, mediaType, body }))[0];

export async function manifestByDigest(
  { hot }: Pick<Ctx, "hot">,
  place: Place,
  digest: string,
): Promise<FoundManifest | undefined> {
  const values = [place.domain.num, digest, ...placeValues(place)];
  return found(await hot.query<ManifestRow>(BY_DIGEST, values));
}

export async function manifestByTag(
  { hot }: Pick<Ctx, "hot">,
  { domain, version }: Place,
  tag: string,
): Promise<FoundManifest | undefined> {
  if (version === null) return undefined;
  const values = [domain.num, tag, version.repository, version.number];
  return found(await hot.query<ManifestRow>(BY_TAG, values));
}

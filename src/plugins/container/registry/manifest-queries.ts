import { type Ctx, slotOf } from "#sdk";
import { containerTag } from "../content.ts";
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
from membership m
join container_tag t on t.domain = m.domain and t.id = m.content
join container_manifest b on b.domain = t.domain and b.id = t.manifest
where m.repository = $1 and m.slot = $2 and m.added <= $3 and m.removed > $3 and t.name = $4`,
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
  { version }: Place,
  tag: string,
): Promise<FoundManifest | undefined> {
  if (version === null) return undefined;
  // By its slot a version finds its tag, however many repositories have one of the same name.
  const slot = slotOf(containerTag, { name: tag });
  const values = [version.repository, slot, version.number, tag];
  return found(await hot.query<ManifestRow>(BY_TAG, values));
}

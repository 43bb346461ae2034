import { OCI_INDEX } from "../format/media-types.ts";
import { isDigest } from "../format/names.ts";
import { sendBytes } from "./answers.ts";
import { IN_PLACE, placeValues } from "./blob-queries.ts";
import { registryErrors } from "./errors.ts";
import { nameOf, type Place } from "./places.ts";
import type { Registry, RepositoryVisit } from "./registry.ts";
import { queryOf } from "./visit.ts";

/** Descriptors of one page together; a list of referrers is itself a manifest. */
const MOST_BYTES = 3_500_000;
const BATCH = 500;

interface ReferrerRow {
  readonly id: string;
  readonly digest: string;
  readonly media_type: string;
  readonly size: number;
  readonly artifact_type: string | null;
  readonly annotations: Readonly<Record<string, string>>;
}

/** In the order of their arrival: ids follow time. */
const REFERRERS = {
  name: "registry referrers",
  text: `
select b.id, b.digest, b.media_type, b.size, b.artifact_type, b.annotations
from container_manifest b
where b.domain = $1 and b.subject = $2 and ${IN_PLACE}
  and ($6::text is null or b.artifact_type = $6) and ($7::uuid is null or b.id > $7)
order by b.id limit $8`,
};

/** Manifests that say they are about this one; always a list, also of what is not here. */
export async function serveReferrers(
  registry: Registry,
  visit: RepositoryVisit,
  { digest }: { readonly digest: string },
): Promise<void> {
  if (!isDigest(digest)) throw registryErrors.digestInvalid(digest, "The digest is not valid.");
  const query = queryOf(visit);
  const artifactType = query.get("artifactType");
  const place = await placeOf(registry, visit, digest);
  const after = /^[0-9a-f-]{36}$/.test(query.get("last") ?? "") ? query.get("last") : null;
  const page = place
    ? await pageOf(registry, place, { digest, artifactType, after })
    : { manifests: [], last: undefined };
  const body = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: page.manifests };
  sendBytes(visit, Buffer.from(JSON.stringify(body)), {
    headers: {
      "Content-Type": OCI_INDEX,
      ...(artifactType === null ? {} : { "OCI-Filters-Applied": "artifactType" }),
      ...(page.last === undefined ? {} : { Link: nextLink(visit, artifactType, page.last) }),
    },
  });
}

/** Of a cache with what its upstream says refers to the manifest. */
async function placeOf(
  { memory, upstream }: Registry,
  visit: RepositoryVisit,
  digest: string,
): Promise<Place | undefined> {
  const place = (await memory.place(visit.name)) ?? (await upstream.place(visit));
  if (!place || !(await upstream.referrers(visit, place, digest))) return place;
  return (await memory.freshPlace(nameOf(place))) ?? place;
}

function nextLink(
  { exchange }: RepositoryVisit,
  artifactType: string | null,
  last: string,
): string {
  const query = new URLSearchParams({ ...(artifactType === null ? {} : { artifactType }), last });
  return `<${exchange.rawPath}?${query}>; rel="next"`;
}

interface Asked {
  readonly digest: string;
  readonly artifactType: string | null;
  readonly after: string | null;
}

interface Page {
  readonly manifests: readonly object[];
  /** Where the next page begins; undefined on the last one. */
  readonly last: string | undefined;
}

async function pageOf({ ctx }: Registry, place: Place, asked: Asked): Promise<Page> {
  const manifests: object[] = [];
  let bytes = 0;
  let last = asked.after;
  for (;;) {
    const rows = await ctx.hot.query<ReferrerRow>(REFERRERS, [
      ...[place.domain.num, asked.digest, ...placeValues(place)],
      ...[asked.artifactType, last, BATCH],
    ]);
    for (const row of rows) {
      const descriptor = descriptorOf(row);
      bytes += JSON.stringify(descriptor).length;
      if (bytes > MOST_BYTES && manifests.length > 0) return { manifests, last: last ?? undefined };
      manifests.push(descriptor);
      last = row.id;
    }
    if (rows.length < BATCH) return { manifests, last: undefined };
  }
}

const descriptorOf = (row: ReferrerRow): object => ({
  mediaType: row.media_type,
  digest: row.digest,
  size: row.size,
  ...(row.artifact_type === null ? {} : { artifactType: row.artifact_type }),
  ...(Object.keys(row.annotations).length === 0 ? {} : { annotations: row.annotations }),
});

import type { Ctx } from "#core/ctx.ts";
import { ARTIFACT_DISTRIBUTION } from "#core/guards/models.ts";
import type { ContentHandler, ServedDomain, Stored } from "./contract.ts";

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Serves artifacts of every domain by their id, and nothing where its guard has gone. */
export const artifactDistribution: ContentHandler = {
  type: ARTIFACT_DISTRIBUTION.type,
  async resolve(ctx, { match, path, isDirectory }) {
    const isGuarded = match.distribution.guard !== null;
    const found = isGuarded && !isDirectory && UUID.test(path) && (await storedById(ctx, path));
    return found || { kind: "missing" };
  },
};

const byId = {
  name: "artifact of any domain",
  text: `select a.id, a.sha256, a.size, a.file, d.num, d.id as domain, d.name,
      d.redirect_to_object_storage, d.hide_guarded_distributions
    from artifact a join domain d on d.num = a.domain where a.id = $1`,
};

interface ArtifactRow {
  readonly id: string;
  readonly sha256: Buffer;
  readonly size: number;
  readonly file: string | null;
  readonly num: number;
  readonly domain: string;
  readonly name: string;
  readonly redirect_to_object_storage: boolean;
  readonly hide_guarded_distributions: boolean;
}

async function storedById({ hot }: Ctx, artifact: string): Promise<Stored | undefined> {
  const [row] = await hot.query<ArtifactRow>(byId, [artifact]);
  if (row === undefined) return undefined;
  const { id, sha256, size: sizeBytes, file } = row;
  const domain: ServedDomain = {
    ...{ num: row.num, id: row.domain, name: row.name },
    redirectsToStore: row.redirect_to_object_storage,
    hidesGuarded: row.hide_guarded_distributions,
  };
  const bytes = { id, sha256, sizeBytes, file };
  return {
    kind: "stored",
    artifact: bytes,
    contentArtifact: null,
    path: artifact,
    at: null,
    domain,
  };
}

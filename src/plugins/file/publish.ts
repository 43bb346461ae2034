import type { Job, PublicationRef, VersionRef } from "#sdk";
import { publications } from "#sdk";
import { writeManifest } from "./manifest-file.ts";
import { fileDb } from "./tables.ts";

export interface PublishRequest {
  readonly version: VersionRef;
  /** Path of the manifest; null publishes none. */
  readonly manifest: string | null;
  /** Stored bytes of the manifest, when they are given by an upstream. */
  readonly manifestArtifact?: string;
  readonly checkpoint?: boolean;
}

/**
 * Publishes a version: every file at its own path, and the manifest. Nobody sees the publication
 * before it is complete; a failure leaves none.
 */
export async function publishVersion(job: Job, request: PublishRequest): Promise<PublicationRef> {
  const { ctx, caller } = job;
  const { version, manifest, checkpoint = false } = request;
  const publication = await ctx.db.transaction().execute(async (trx) => {
    const input = { domain: caller.domain, type: "file.file", version: version.id };
    const made = await publications.create(
      job,
      { ...input, layout: "pass_through", checkpoint },
      trx,
    );
    await fileDb(trx)
      .insertInto("file_publication")
      .values({ id: made.id, domain: caller.domain.num, manifest })
      .execute();
    return made;
  });
  try {
    if (manifest !== null) {
      const artifact = request.manifestArtifact ?? (await writeManifest(job, version));
      await publications.addPaths(ctx, publication, [{ relativePath: manifest, artifact }]);
    }
    await publications.complete(job, publication);
  } catch (error) {
    await publications.delete(ctx, caller.domain, publication.id);
    throw error;
  }
  return publication;
}

import type { Digests } from "#base/digests.ts";
import { objectError } from "#base/errors.ts";
import type { Ctx, DomainRef } from "../ctx.ts";
import { alreadyExists, checkExpected, refuseForbidden } from "./rules.ts";
import { saveArtifacts } from "./store.ts";
import type { SavedArtifact, StorableFile } from "./types.ts";

export { inSameStore } from "./insert.ts";
export { announceObjects, announceRemovals } from "./intents.ts";
export { openArtifact } from "./open.ts";
export { type PlacedFile, placedInsert, placeFile, placement, recordPlaced } from "./place.ts";
export { receiveFile } from "./receive.ts";
export { deleteArtifact, removeUnusedArtifacts } from "./remove.ts";
export { saveArtifacts } from "./store.ts";
export { sweep, sweepIncoming, sweepObjects, sweepStorageIntents } from "./sweep.ts";
export { sweepPlacing } from "./sweep-placing.ts";
export { touchArtifacts } from "./touch.ts";
export type { ReceivedFile } from "./types.ts";

/** Makes a file an artifact of the domain, or finds the one that has its bytes. */
export async function saveArtifact(
  ctx: Ctx,
  domain: DomainRef,
  file: StorableFile,
): Promise<SavedArtifact> {
  const [saved] = await saveArtifacts(ctx, domain, [file]);
  if (!saved) throw new Error("A file was not saved.");
  return saved;
}

export interface ArtifactFields {
  /** Lower-case hex, as the client gave them. */
  readonly digests?: Digests;
  readonly sizeBytes?: number;
}

/**
 * `POST artifacts/` (core-rest §8.1). A stored artifact whose file is missing gets it back, and is
 * still refused as a duplicate.
 *
 * @throws ValidationError (400): forbidden digest, wrong size or digest, bytes that are stored.
 */
export async function createArtifact(
  ctx: Ctx,
  domain: DomainRef,
  file: StorableFile,
  { digests, sizeBytes }: ArtifactFields = {},
): Promise<SavedArtifact> {
  refuseForbidden(digests, ctx.settings.ALLOWED_CONTENT_CHECKSUMS);
  checkExpected(file.sealed, {
    ...(digests ? { expected: digests } : {}),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
  });
  const saved = await saveArtifact(ctx, domain, file);
  if (!saved.isNew) throw objectError(alreadyExists(saved.sha256));
  return saved;
}

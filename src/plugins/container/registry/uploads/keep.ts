import { type Ctx, type DomainRef, flights, inTransaction, placement, saveArtifacts } from "#sdk";
import { addPendingUnits } from "../../pending.ts";
import { saveBlobs } from "../../save.ts";
import type { Trx } from "../../trx.ts";
import type { Registry } from "../registry.ts";
import { keepNew } from "./keep-new.ts";
import type { NewBlob, PlacedBlob } from "./placed-blob.ts";
import { endUploads } from "./session-rows.ts";

/**
 * Bytes first; then artifact, blob, its place in the repository, the end of the session and the line
 * of the audit trail are one transaction, shared with the blobs of other requests.
 *
 * @returns false if the session cannot end: somebody else has ended it, or gone on with it.
 */
export async function keepBlob(
  { ctx, tools, pushMemory: memory }: Registry,
  blob: NewBlob,
): Promise<boolean> {
  const { file, early, ...rest } = blob;
  const placing = await placement.place(ctx, blob.domain, file, early);
  const { sizeBytes } = file.sealed;
  const source = "placed" in placing ? placing : { artifact: placing.artifact.id };
  const shared = { ...rest, tools, memory, sizeBytes };
  if (await keepTogether(ctx, { ...shared, source })) return true;
  // Somebody else was faster with the bytes or the session: the long way finds out.
  const [artifact] = await saveArtifacts(ctx, blob.domain, [file]);
  if (!artifact) throw new Error("A blob was not saved.");
  return keepTogether(ctx, { ...shared, source: { artifact: artifact.id } });
}

/** @returns false where nothing was kept: the bytes or the session are not there any more. */
const keepTogether = flights.together<PlacedBlob, boolean>(async (ctx, blobs) =>
  (await keepNew(ctx, blobs)) ? blobs.map(() => true) : keepInSteps(ctx, blobs),
);

const keepInSteps = (ctx: Ctx, blobs: readonly PlacedBlob[]): Promise<readonly boolean[]> =>
  inTransaction(ctx, undefined, async (trx) => {
    const kept = new Set<PlacedBlob>();
    for (const ofDomain of Map.groupBy(blobs, ({ domain }) => domain.num).values()) {
      for (const blob of await keepAll(ctx, trx, ofDomain)) kept.add(blob);
    }
    const entries = [...kept].map(({ entry }) => entry);
    for (const each of blobs[0]?.tools.recording(entries) ?? []) await each.execute(trx);
    return blobs.map((blob) => kept.has(blob));
  });

interface StoredBlob {
  readonly blob: PlacedBlob;
  /** `artifact.id` */
  readonly artifact: string;
}

/** Those of one domain; returns the ones that were kept. A session ends with its blob or not at all. */
async function keepAll(
  ctx: Ctx,
  trx: Trx,
  blobs: readonly PlacedBlob[],
): Promise<readonly PlacedBlob[]> {
  const [{ domain } = {}] = blobs;
  if (!domain) return [];
  const kept = await inOpenSessions(trx, domain.num, await withArtifacts(trx, domain, blobs));
  if (kept.length === 0) return [];
  const inputs = kept.map(({ blob: { digest, sizeBytes: size }, artifact }) => ({
    ...{ digest, size, artifact },
  }));
  const units = await saveBlobs(ctx, domain, { blobs: inputs, trx, areNew: true });
  const pending = units.flatMap(({ id: unit }, index) => {
    const repository = kept[index]?.blob.repository;
    return repository === undefined ? [] : [{ repository, unit }];
  });
  await addPendingUnits(trx, domain.num, pending);
  return kept.map(({ blob }) => blob);
}

async function withArtifacts(
  trx: Trx,
  domain: DomainRef,
  blobs: readonly PlacedBlob[],
): Promise<readonly StoredBlob[]> {
  const placed = blobs.flatMap(({ source }) => ("placed" in source ? [source.placed] : []));
  const made = await placement.record(trx, domain, placed);
  return blobs.flatMap((blob) => {
    const { source } = blob;
    const artifact = "placed" in source ? made.get(source.placed.sha256) : source.artifact;
    return artifact === undefined ? [] : [{ blob, artifact }];
  });
}

/** Ends the sessions, and leaves out the blobs of those that somebody else has ended. */
async function inOpenSessions(
  trx: Trx,
  domain: number,
  stored: readonly StoredBlob[],
): Promise<readonly StoredBlob[]> {
  const ending = stored.flatMap(({ blob: { upload } }) => upload ?? []);
  const ended = await endUploads(trx, domain, ending);
  return stored.filter(({ blob: { upload } }) => !upload || ended.has(upload.id));
}

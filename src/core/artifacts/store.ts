import { crashPoint } from "#base/crash-points.ts";
import { mapBounded } from "#base/parallel.ts";
import type { Ctx, DomainRef } from "../ctx.ts";
import { admitFiles } from "../scanning/commands.ts";
import { retryOnConflict } from "../transaction.ts";
import { findOrAnnounce, type KnownRow } from "./announce.ts";
import { artifactErrors } from "./errors.ts";
import { type Announcement, insertArtifacts } from "./insert.ts";
import { announceObjects, INTENT_TRUST_MS } from "./intents.ts";
import { storedArtifact } from "./queries.ts";
import { objectName } from "./rules.ts";
import { touchArtifacts } from "./touch.ts";
import type { SavedArtifact, StorableFile } from "./types.ts";

const BATCH = 2000;
const ATTEMPTS = 8;
/** Files that are placed at the same time. */
const PLACES = 8;

export interface Pending extends StorableFile {
  readonly sha256: string;
  readonly object: string;
}

export type Announced = Pending & Announcement;

/**
 * Makes each file an artifact of the domain, or finds the one that has its bytes (data-model §12):
 * announce, place, then one statement inserts the rows and takes the announcements back. An
 * artifact whose file is missing or of wrong size gets it back. The files stay the caller's to
 * dispose.
 *
 * @param replace puts the bytes in place even where the stored file looks right (repair).
 * @returns one entry per file, in the order given.
 */
export async function saveArtifacts(
  ctx: Ctx,
  domain: DomainRef,
  files: readonly StorableFile[],
  { replace = false }: { readonly replace?: boolean } = {},
): Promise<SavedArtifact[]> {
  await admitStorable(ctx, domain, files);
  const saved = new Map<string, SavedArtifact>();
  const pending = distinct(domain, files);
  for (let start = 0; start < pending.length; start += BATCH) {
    const batch = pending.slice(start, start + BATCH);
    for (const one of await saveBatch(ctx, domain, { batch, replace })) saved.set(one.sha256, one);
  }
  const told = new Set<string>();
  return files.map(({ sealed }) => {
    const { sha256 } = sealed.digests;
    const one = saved.get(sha256);
    if (!one) throw new Error(`Artifact ${sha256} was not saved.`);
    const isFirst = !told.has(sha256);
    told.add(sha256);
    return isFirst ? one : { ...one, isNew: false };
  });
}

/** Looks for malware where the installation does. */
export const admitStorable = (
  ctx: Ctx,
  domain: DomainRef,
  files: readonly StorableFile[],
): Promise<void> =>
  admitFiles(
    ctx,
    domain,
    files.map(({ file, sealed, what }) => ({
      ...{ file, sha256: sealed.digests.sha256, sizeBytes: sealed.sizeBytes },
      what: what ?? sealed.digests.sha256,
    })),
  );

/** In the order of their digests, so that concurrent batches never wait for each other in a circle. */
function distinct(domain: DomainRef, files: readonly StorableFile[]): Pending[] {
  const byDigest = new Map(files.map((file) => [file.sealed.digests.sha256, file]));
  return [...byDigest.values()]
    .map((file) => pendingOf(domain, file))
    .sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1));
}

export function pendingOf(domain: DomainRef, { file, sealed }: StorableFile): Pending {
  const { sha256 } = sealed.digests;
  return { file, sealed, sha256, object: objectName(domain, sha256) };
}

async function saveBatch(
  ctx: Ctx,
  domain: DomainRef,
  { batch, replace }: { readonly batch: readonly Pending[]; readonly replace: boolean },
): Promise<SavedArtifact[]> {
  const saved: SavedArtifact[] = [];
  let open = batch;
  let mustReplace = replace;
  for (let attempt = 0; open.length > 0; attempt += 1) {
    if (attempt === ATTEMPTS) throw artifactErrors.contended();
    const announcedAt = performance.now();
    const rows = findOrAnnounce(ctx, domain, open);
    const { present, announced } = await announce(ctx, domain, { open, mustReplace, rows });
    saved.push(...present);
    const epoch = await ctx.storage(domain).epoch?.(attempt > 0);
    crashPoint("artifact.announced");
    const replaces = mustReplace;
    await mapBounded(announced, PLACES, async ({ file, object }) => {
      await ctx.storage(domain).place(file, object, { replaces });
      crashPoint("artifact.placed");
    });
    const isTimely = performance.now() - announcedAt < INTENT_TRUST_MS;
    const made = isTimely
      ? await retryOnConflict(() => insertArtifacts(ctx.db, domain, { files: announced, epoch }))
      : new Map<string, string>();
    if (isTimely) mustReplace = false;
    crashPoint("artifact.recorded");
    saved.push(...announced.flatMap((one) => savedOf(one, made.get(one.sha256))));
    open = announced.filter(({ sha256 }) => !made.has(sha256));
  }
  return saved;
}

const savedOf = ({ sha256, sealed }: Pending, id: string | undefined): SavedArtifact[] =>
  id === undefined ? [] : [{ id, sha256, sizeBytes: sealed.sizeBytes, isNew: true }];

interface Wanted {
  readonly open: readonly Pending[];
  /** Whether what is stored is not good enough, whatever it looks like. */
  readonly mustReplace: boolean;
  readonly rows: ReturnType<typeof findOrAnnounce>;
}

/** Tells what is stored and well from what has been announced. */
export async function announce(
  ctx: Ctx,
  domain: DomainRef,
  { open, mustReplace, rows: asked }: Wanted,
): Promise<{ present: SavedArtifact[]; announced: Announced[] }> {
  const rows = await asked;
  const stored = open.flatMap((one) => knownOf(domain, one, rows.get(one.sha256)));
  const checked = await mapBounded(stored, PLACES, async (one) => {
    const file = mustReplace ? undefined : await ctx.storage(domain).stat(one.object);
    return { one, isWell: file?.sizeBytes === one.sizeBytes };
  });
  const well = checked.flatMap(({ one, isWell }) => (isWell ? [one] : []));
  await touchArtifacts(
    ctx.db,
    domain,
    well.flatMap(({ id, isStale }) => (isStale ? [id] : [])),
  );
  const broken = checked.flatMap(({ one, isWell }) => (isWell ? [] : [one.pending]));
  const reasons = await announceAgain(ctx, domain, broken);
  const announced = open.flatMap((one) => {
    const reason = reasons.get(one.object) ?? rows.get(one.sha256)?.reason;
    return typeof reason === "string" ? [{ ...one, reason }] : [];
  });
  const present = well.map(({ id, sha256, sizeBytes }) => ({
    id,
    sha256,
    sizeBytes,
    isNew: false,
  }));
  return { present, announced };
}

function knownOf(domain: DomainRef, pending: Pending, row: KnownRow | undefined) {
  if (!row || row.id === null || row.size === null) return [];
  const { id, sha256, size, file } = row;
  const stored = storedArtifact(domain, { id, sha256, size, file });
  return [{ ...stored, isStale: row.is_stale === true, pending }];
}

/** Rows that exist lack their file, so they were not announced with the others. */
async function announceAgain(
  ctx: Ctx,
  domain: DomainRef,
  broken: readonly Pending[],
): Promise<Map<string, string>> {
  if (broken.length === 0) return new Map();
  const objects = broken.map(({ object }) => object);
  const intents = await announceObjects(ctx.db, domain, objects);
  return new Map(intents.map(({ object, reason }) => [object, reason]));
}

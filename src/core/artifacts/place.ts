import type { RawBuilder } from "kysely";
import { crashPoint } from "#base/crash-points.ts";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx, DomainRef, Trx } from "../ctx.ts";
import { findOrAnnounce } from "./announce.ts";
import { type Announcement, artifactInsert, insertArtifacts } from "./insert.ts";
import { INTENT_TRUST_MS } from "./intents.ts";
import { objectName } from "./rules.ts";
import { admitStorable, announce, pendingOf } from "./store.ts";
import type { SavedArtifact, StorableFile } from "./types.ts";

/** A file that is announced and durably in its place; all that is missing is its row. */
export interface PlacedFile extends Announcement {
  readonly epoch: number | undefined;
  /** On the clock of `performance.now()`. */
  readonly announcedAtMs: number;
}

/** The artifact that has the bytes already, or the file whose row is missing. */
export type Placing = { readonly artifact: SavedArtifact } | { readonly placed: PlacedFile };

/** An announcement that is on its way, and when it began (`performance.now()`). */
interface EarlyAnnouncement {
  readonly sha256: string;
  readonly rows: ReturnType<typeof findOrAnnounce>;
  readonly atMs: number;
}

/** Bytes may take longer to come; then they are announced again. */
const EARLY_TRUST_MS = 60_000;

/**
 * Announces bytes while they come, where the sender has said which they will be. What comes instead of
 * them, or never, costs an announcement that the sweeper takes back.
 *
 * @param sha256 lower-case hex
 */
function announceEarly(ctx: Ctx, domain: DomainRef, sha256: string): EarlyAnnouncement {
  const object = objectName(domain, sha256);
  const rows = findOrAnnounce(ctx, domain, [{ sha256, object }]);
  // Told when the file is placed, if it ever is.
  rows.catch(() => undefined);
  return { sha256, rows, atMs: performance.now() };
}

/**
 * The first half of `saveArtifacts` for one file, for a caller that makes the row together with its
 * own (`recordPlaced`). A file need not be sealed: its bytes reach the disk while the announcement
 * does. The file stays the caller's to dispose.
 */
export async function placeFile(
  ctx: Ctx,
  domain: DomainRef,
  file: StorableFile,
  early?: EarlyAnnouncement,
): Promise<Placing> {
  await admitStorable(ctx, domain, [file]);
  const storage = ctx.storage(domain);
  const open = [pendingOf(domain, file)];
  const isGood =
    early?.sha256 === file.sealed.digests.sha256 && early.atMs + EARLY_TRUST_MS > performance.now();
  const announcedAtMs = isGood ? early.atMs : performance.now();
  const rows = isGood ? early.rows : findOrAnnounce(ctx, domain, open);
  const found = await bothEnded(announce(ctx, domain, { open, mustReplace: false, rows }), file);
  const [artifact] = found.present;
  const [announced] = found.announced;
  if (artifact || !announced) return artifact ? { artifact } : refuse(domain);
  const epoch = await storage.epoch?.(false);
  crashPoint("artifact.announced");
  await storage.place(file.file, announced.object);
  crashPoint("artifact.placed");
  const { sealed, sha256, object, reason } = announced;
  return { placed: { sealed, sha256, object, reason, epoch, announcedAtMs } };
}

const refuse = (domain: DomainRef): never => {
  throw new Error(`A file of domain ${domain.name} was neither found nor announced.`);
};

/** A failure of one is told when the other has ended, too: nothing goes on behind the caller. */
async function bothEnded<Result>(work: Promise<Result>, { file }: StorableFile): Promise<Result> {
  const [done, sealed] = await Promise.allSettled([work, file.seal()]);
  if (sealed.status === "rejected") throw sealed.reason;
  if (done.status === "rejected") throw done.reason;
  return done.value;
}

/**
 * Makes the rows of placed files in the caller's transaction. What is not in the result has to be
 * saved with `saveArtifacts`: somebody else has stored it, or its store was changed meanwhile.
 *
 * @returns ids of new rows by digest.
 */
export function recordPlaced(
  trx: Trx,
  domain: DomainRef,
  placed: readonly PlacedFile[],
): Promise<Map<string, string>> {
  const { epoch, files } = trustedOf(placed);
  return insertArtifacts(trx, domain, { files, epoch });
}

/** Announced lately, in one store; each file once. */
function trustedOf(placed: readonly PlacedFile[]) {
  const epoch = placed[0]?.epoch;
  const oldestMs = performance.now() - INTENT_TRUST_MS;
  const trusted = placed.filter((one) => one.epoch === epoch && one.announcedAtMs > oldestMs);
  return { epoch, files: [...new Map(trusted.map((one) => [one.sha256, one])).values()] };
}

/**
 * The same as a statement of a flight, which does not say what it made: rows that refer to these ids
 * fail where it made nothing.
 *
 * @returns undefined if one of the files has to be saved with `saveArtifacts`
 */
export function placedInsert(
  domain: DomainRef,
  placed: readonly PlacedFile[],
):
  | { readonly statement: RawBuilder<unknown>; readonly ids: ReadonlyMap<string, string> }
  | undefined {
  const { epoch, files } = trustedOf(placed);
  const ids = new Map(files.map(({ sha256 }) => [sha256, uuid7()]));
  if (placed.some(({ sha256 }) => !ids.has(sha256))) return undefined;
  const withIds = files.map((file) => ({ ...file, id: ids.get(file.sha256) ?? "" }));
  return { statement: artifactInsert(domain, { files: withIds, epoch }), ids };
}

/** For those who make the row of a file together with their own. */
export const placement = {
  announce: announceEarly,
  place: placeFile,
  record: recordPlaced,
  insert: placedInsert,
} as const;

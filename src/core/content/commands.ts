import { sql } from "kysely";
import { rethrow } from "../constraints.ts";
import type { Ctx, DomainRef, Executor, Trx } from "../ctx.ts";
import { inTransaction } from "../transaction.ts";
import { contentConstraints, contentErrors } from "./errors.ts";
import {
  countUnits,
  fileKey,
  fillFiles,
  insertFiles,
  insertUnits,
  type NewSource,
  putSources,
  type Target,
} from "./inserts.ts";
import { type KnownUnit, knownUnits } from "./queries.ts";
import { type PreparedFile, type PreparedUnit, prepareUnits, sourceDiffers } from "./rules.ts";
import type { SavedUnit, UnitBatch, UnitInput } from "./types.ts";

export { newUnits } from "./new-units.ts";

const CHUNK = 2000;

/**
 * Finds or creates the units with their files and remote sources (data-model §4): looks up first,
 * inserts what is missing in the order of the keys, reads back what a concurrent call made. Files
 * that exist take the artifact that is given; sources take the URL and the facts that are given.
 *
 * @param trx without it each 2 000 units are a transaction of their own, repeated on conflict.
 * @returns one entry per unit, in the order given.
 * @throws `contentErrors.fileGone` if an artifact was cleaned up meanwhile; nothing was saved of its
 *   2 000 units.
 */
export async function saveUnits(ctx: Ctx, batch: UnitBatch, trx?: Trx): Promise<SavedUnit[]> {
  const saved: SavedUnit[] = [];
  for (let start = 0; start < batch.units.length; start += CHUNK) {
    const units = batch.units.slice(start, start + CHUNK);
    const work = inTransaction(ctx, trx, (t) => saveChunk(ctx, t, { ...batch, units }));
    saved.push(...(await work.catch(rethrow(contentConstraints))));
  }
  return saved;
}

async function saveChunk(ctx: Ctx, trx: Trx, batch: UnitBatch): Promise<SavedUnit[]> {
  const { domain, type, units } = batch;
  const target: Target = { domain, type, typeNum: ctx.plugins.contentTypeNum(type.type) };
  const { prepared, keys } = prepareUnits(type, units);
  const lookup = lookupOf(target, units);

  const areNew = batch.areNew === true;
  const known = await lookup(trx, areNew ? [] : prepared);
  const missing = prepared.filter(({ hex }) => !known.has(hex));
  const made =
    missing.length === 0
      ? new Map<string, string>()
      : await insertUnits(trx, { ...target, isCounted: areNew }, missing);
  const losers = missing.filter(({ hex }) => !made.has(hex));
  for (const [hex, unit] of await lookup(trx, losers)) known.set(hex, unit);

  const withIds = prepared.map((unit) => ({
    unit,
    found: foundUnit(type.type, unit, made, known),
  }));
  await saveFiles(trx, domain, withIds);
  const stale = [...known.values()].filter(({ isStale }) => isStale).map(({ id }) => id);
  await touchUnits(trx, domain, stale);
  if (made.size > 0 && !areNew) await countUnits(trx, target, made.size);
  return savedUnits(keys, withIds, made);
}

/** Looks units up with the sources that the batch talks about; nothing to look up asks nothing. */
function lookupOf(target: Target, units: readonly UnitInput[]) {
  const remotes = new Set(units.flatMap(({ files }) => files.map(({ source }) => source?.remote)));
  remotes.delete(undefined);
  return async (trx: Trx, wanted: readonly PreparedUnit[]): Promise<Map<string, KnownUnit>> =>
    wanted.length === 0
      ? new Map()
      : knownUnits(trx, {
          domain: target.domain,
          type: target.typeNum,
          keys: wanted.map(({ key }) => key),
          remotes: [...remotes].filter((remote) => remote !== undefined),
        });
}

const NO_FILES: KnownUnit["files"] = new Map();

function foundUnit(
  type: string,
  unit: PreparedUnit,
  made: ReadonlyMap<string, string>,
  known: ReadonlyMap<string, KnownUnit>,
): KnownUnit {
  const id = made.get(unit.hex);
  if (id !== undefined) return { id, isStale: false, files: NO_FILES };
  const found = known.get(unit.hex);
  if (!found) throw contentErrors.vanished(type);
  return found;
}

interface FoundUnit {
  readonly unit: PreparedUnit;
  readonly found: KnownUnit;
}

/** Writes only what differs from what is there. */
async function saveFiles(trx: Trx, domain: DomainRef, units: readonly FoundUnit[]): Promise<void> {
  const files = units.flatMap(({ unit, found }) =>
    unit.files.map((file) => ({ file, content: found.id, known: found.files.get(file.pathKey) })),
  );
  const missing = new Map(
    files.flatMap(({ file, content, known }) =>
      known ? [] : [[fileKey(content, file.pathKey), { ...file, content }] as const],
    ),
  );
  const made =
    missing.size === 0 ? undefined : await insertFiles(trx, domain, [...missing.values()]);
  const filled = files.flatMap(({ file, known }) =>
    known && file.artifact !== null && file.artifact !== known.artifact
      ? [{ id: known.id, artifact: file.artifact }]
      : [],
  );
  if (filled.length > 0) await fillFiles(trx, domain, filled);
  const sources = files.flatMap(({ file, content, known }): NewSource[] => {
    const id = known?.id ?? made?.get(fileKey(content, file.pathKey));
    return id === undefined
      ? []
      : changedSource(id, file, known?.sources.get(file.source?.remote ?? ""));
  });
  if (sources.length > 0) await putSources(trx, domain, sources);
}

const changedSource = (
  contentArtifact: string,
  { source }: PreparedFile,
  known: Parameters<typeof sourceDiffers>[1],
): NewSource[] => (source && sourceDiffers(source, known) ? [{ contentArtifact, source }] : []);

function savedUnits(
  keys: readonly string[],
  units: readonly FoundUnit[],
  made: ReadonlyMap<string, string>,
): SavedUnit[] {
  const byKey = new Map(units.map((entry) => [entry.unit.hex, entry]));
  return keys.flatMap((hex, index) => {
    const entry = byKey.get(hex);
    if (!entry) return [];
    return [{ id: entry.found.id, isNew: made.has(hex) && entry.unit.first === index }];
  });
}

/**
 * Protects units from orphan clean-up for another while: only those older than an hour, and none
 * that somebody else is touching right now (core-content §1.3).
 */
export async function touchUnits(
  db: Executor,
  domain: DomainRef,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return;
  await sql`
    with free as (
      select id from content
      where domain = ${domain.num} and id = any(${ids}::uuid[])
        and touched < clock_timestamp() - interval '1 hour'
      order by id for no key update skip locked)
    update content c set touched = clock_timestamp()
    from free where c.domain = ${domain.num} and c.id = free.id`.execute(db);
}

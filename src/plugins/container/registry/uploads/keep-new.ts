import { type Ctx, type DomainRef, flights, placement } from "#sdk";
import { containerBlob } from "../../content.ts";
import { pendingInsert } from "../../pending.ts";
import { blobUnit } from "../../save.ts";
import type { PlacedBlob } from "./placed-blob.ts";
import { uploadsEnd } from "./session-rows.ts";

type Statement = Parameters<typeof flights.send>[1][number];

/**
 * Keeps blobs that nobody has yet, as almost all that are pushed, in one flight.
 *
 * @returns false if nothing was done: one of them or its bytes are there already, or its session is
 *   not there any more.
 */
export async function keepNew(ctx: Ctx, blobs: readonly PlacedBlob[]): Promise<boolean> {
  const statements: Statement[] = [];
  const brought: (readonly [PlacedBlob, unit: string])[] = [];
  for (const ofDomain of Map.groupBy(blobs, ({ domain }) => domain.num).values()) {
    const own = writtenTo(ctx, ofDomain);
    if (!own) return false;
    statements.push(...own.statements);
    for (const [index, blob] of ofDomain.entries()) brought.push([blob, own.units[index] ?? ""]);
  }
  const entries = blobs.map(({ entry }) => entry);
  statements.push(...(blobs[0]?.tools.recording(entries) ?? []));
  if (!(await flights.attempt(ctx, statements))) return false;
  for (const [{ memory, repository, digest }, unit] of brought)
    memory.bring(repository, digest, unit);
  return true;
}

interface Written {
  readonly statements: readonly Statement[];
  /** `content.id` of each blob. */
  readonly units: readonly string[];
}

/** Of one domain. */
function writtenTo(ctx: Ctx, blobs: readonly PlacedBlob[]): Written | undefined {
  const placed = blobs.flatMap(({ source }) => ("placed" in source ? [source.placed] : []));
  const [{ domain } = {}] = blobs;
  if (!domain || placed.length < blobs.length) return undefined;
  const artifacts = placement.insert(domain, placed);
  if (!artifacts) return undefined;
  const units = blobs.map(({ digest, sizeBytes: size }, index) =>
    blobUnit({ digest, size, artifact: artifacts.ids.get(placed[index]?.sha256 ?? "") ?? null }),
  );
  const made = flights.newUnits(ctx, { domain, type: containerBlob, units });
  const pending = blobs.map(({ repository }, index) => ({
    repository,
    unit: made.ids[index] ?? "",
  }));
  const statements = [
    ...endOfSessions(domain, blobs),
    artifacts.statement,
    ...made.statements,
    pendingInsert(domain.num, pending),
  ];
  return { statements, units: made.ids };
}

/** First, so that of two who end a session the other one waits before it has done anything. */
function endOfSessions({ num }: DomainRef, blobs: readonly PlacedBlob[]): readonly Statement[] {
  const ending = blobs.flatMap(({ upload }) => upload ?? []);
  return ending.length > 0 ? [uploadsEnd(num, ending)] : [];
}

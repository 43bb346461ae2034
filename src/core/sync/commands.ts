import type { UnitFile, UnitInput } from "../content/types.ts";
import type { Job, VersionRef } from "../plugin-contract.ts";
import { completeVersion, discardVersion, openVersion } from "../repositories/commands.ts";
import type { OpenDraft } from "../repositories/types.ts";
import { Budget } from "./budget.ts";
import { Crew } from "./crew.ts";
import { type KnownFiles, SyncFiles } from "./files.ts";
import { SyncMembers, UNITS_PER_BATCH } from "./members.ts";
import { removedUnits } from "./queries.ts";
import type { DeclaredUnit, SyncPlan } from "./types.ts";

const MIB = 1024 * 1024;

/**
 * Makes the next version of a repository from what an upstream declares: known files are reused,
 * missing ones downloaded unless deferred. A failure leaves no version; files that were finished
 * stay for the next try.
 *
 * @returns undefined when nothing changed.
 */
export async function syncRepository(plan: SyncPlan): Promise<VersionRef | undefined> {
  const { job, mirror } = plan;
  const draft = await openVersion(job, plan.repository, { mirror });
  try {
    await fill(plan, draft);
  } catch (error) {
    await discardVersion(job.ctx, draft);
    throw error;
  }
  const version = await completeVersion(job, draft);
  if (mirror) await reportRemoved(job, version);
  return version;
}

async function fill(plan: SyncPlan, draft: OpenDraft): Promise<void> {
  const { job } = plan;
  await using downloads = job.progress({
    code: "sync.downloading.artifacts",
    message: "Downloading Artifacts",
  });
  await using associating = job.progress({
    code: "associating.content",
    message: "Associating Content",
  });
  await using files = new SyncFiles(job, plan.remote, downloads);
  await using members = new SyncMembers(job, draft, associating);
  await using crew = new Crew(job.signal);
  const budget = syncBudget(job);

  for await (const units of inBatches(plan.units, UNITS_PER_BATCH)) {
    crew.throwIfFailed();
    const known = await files.lookUp(units.flatMap((unit) => unit.files));
    for (const unit of units) {
      const missing = unit.files.filter((file) => !file.deferred && !known.artifact(file));
      if (missing.length === 0) {
        await members.add(unit.type, unitInput(unit, { known, plan }));
        continue;
      }
      const bytes = missing.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0);
      await budget.take(bytes, crew.signal).catch((error: unknown) => {
        crew.throwIfFailed();
        throw error;
      });
      crew.start(async () => {
        await Promise.all(missing.map((file) => known.fetch(file, crew.signal)));
        await members.add(unit.type, unitInput(unit, { known, plan }));
        budget.give(bytes);
      });
    }
  }
  await crew.settle();
  await members.flush();
  for await (const ids of plan.saved ?? []) await members.join(ids);
  for await (const ids of plan.kept ?? []) await members.keep(ids);
  await downloads.finish();
  await associating.finish();
}

function syncBudget(job: Job): Budget {
  const { SYNC_MAX_IN_FLIGHT_MB, SYNC_MAX_IN_FLIGHT_ITEMS, MAX_CONCURRENT_CONTENT } =
    job.ctx.settings;
  const bytes =
    SYNC_MAX_IN_FLIGHT_MB === null ? Number.POSITIVE_INFINITY : SYNC_MAX_IN_FLIGHT_MB * MIB;
  return new Budget(bytes, SYNC_MAX_IN_FLIGHT_ITEMS ?? MAX_CONCURRENT_CONTENT);
}

/** The unit with the artifacts that are stored by now, and where its files came from. */
function unitInput(
  unit: DeclaredUnit,
  by: { readonly known: KnownFiles; readonly plan: SyncPlan },
): UnitInput {
  const files = unit.files.map((file): UnitFile => {
    const { sha256, ...otherDigests } = file.digests;
    return {
      relativePath: file.relativePath,
      artifact: by.known.artifact(file) ?? null,
      source: {
        remote: by.plan.remote.id,
        url: file.urls[0],
        ...(file.sizeBytes === undefined ? {} : { size: file.sizeBytes }),
        ...(sha256 === undefined ? {} : { sha256 }),
        ...(Object.keys(otherDigests).length === 0 ? {} : { otherDigests }),
      },
    };
  });
  return { row: unit.row, files, ...(unit.labels ? { labels: unit.labels } : {}) };
}

/** Cuts pieces of any size into batches of at most `most`. */
export async function* inBatches<Item>(
  pieces: AsyncIterable<readonly Item[]>,
  most: number,
): AsyncGenerator<Item[]> {
  let batch: Item[] = [];
  for await (const piece of pieces) {
    for (const item of piece) {
      batch.push(item);
      if (batch.length < most) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

async function reportRemoved(job: Job, version: VersionRef | undefined): Promise<void> {
  await using report = job.progress({
    code: "unassociating.content",
    message: "Un-Associating Content",
  });
  if (version) report.add(await removedUnits(job.ctx.db, version));
  await report.finish();
}

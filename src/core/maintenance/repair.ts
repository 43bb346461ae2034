import { createHash } from "node:crypto";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { mapBounded } from "#base/parallel.ts";
import { saveArtifacts } from "../artifacts/commands.ts";
import type { StorableFile, StoredArtifact } from "../artifacts/types.ts";
import type { Ctx, DomainRef } from "../ctx.ts";
import type { Job, Progress } from "../plugin-contract.ts";
import { filesOfArtifact } from "./repair-queries.ts";

/** Files that are read back at the same time, and files that are downloaded at the same time. */
const READERS = 2;
const DOWNLOADS = 5;

/** Brings a file from where its unit came from; its bytes are verified against what is wanted. */
export type Fetch = (ctx: Ctx, request: FetchRequest) => Promise<FetchedFile | undefined>;

export interface FetchRequest {
  readonly domain: DomainRef;
  /** `content_artifact.id` */
  readonly contentArtifact: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly signal: AbortSignal;
}

/** The caller disposes `file`. */
export type FetchedFile = StorableFile;

export interface RepairOptions {
  /** Reads every file back; without it only absence and a wrong size are found. */
  readonly verifyChecksums: boolean;
  /** Removes damaged files that cannot be had again. Their rows stay. */
  readonly deleteUnrepairable: boolean;
}

export interface RepairReports {
  readonly missing: Progress;
  readonly corrupted: Progress;
  readonly repaired: Progress;
}

export interface Repair {
  readonly domain: DomainRef;
  readonly options: RepairOptions;
  readonly reports: RepairReports;
  readonly fetch: Fetch;
}

type Condition = "well" | "missing" | "corrupted";

/** Looks at the files of these artifacts and brings back those that are missing or damaged. */
export async function repairArtifacts(
  job: Job,
  repair: Repair,
  artifacts: readonly StoredArtifact[],
): Promise<{ readonly broken: number }> {
  const conditions = await mapBounded(artifacts, READERS, async (artifact) => {
    job.signal.throwIfAborted();
    return { artifact, condition: await inspect(job, repair, artifact) };
  });
  const broken = conditions.filter(({ condition }) => condition !== "well");
  for (const { condition } of broken) {
    if (condition === "missing") repair.reports.missing.add();
    else repair.reports.corrupted.add();
  }
  await mapBounded(broken, DOWNLOADS, async ({ artifact, condition }) => {
    job.signal.throwIfAborted();
    if (await restore(job, repair, artifact)) repair.reports.repaired.add();
    else await giveUp(job, repair, { artifact, condition });
  });
  return { broken: broken.length };
}

async function inspect(
  { ctx, signal }: Job,
  { domain, options }: Repair,
  { object, sizeBytes, sha256 }: StoredArtifact,
): Promise<Condition> {
  const storage = ctx.storage(domain);
  const found = await storage.stat(object);
  if (!found) return "missing";
  if (found.sizeBytes !== sizeBytes) return "corrupted";
  if (!options.verifyChecksums) return "well";
  try {
    await using stored = await storage.open(object);
    const hash = createHash("sha256");
    const sink = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        hash.update(chunk);
        done();
      },
    });
    await pipeline(stored.stream(), sink, { signal });
    return hash.digest("hex") === sha256 ? "well" : "corrupted";
  } catch (error) {
    signal.throwIfAborted();
    ctx.log.warn(`Reading back ${object} failed: ${String(error)}`);
    return "corrupted";
  }
}

async function restore(
  { ctx, signal }: Job,
  { domain, fetch }: Repair,
  artifact: StoredArtifact,
): Promise<boolean> {
  const { sha256, sizeBytes } = artifact;
  for (const contentArtifact of await filesOfArtifact(ctx.db, domain, artifact.id)) {
    const wanted = { domain, contentArtifact, sha256, sizeBytes, signal };
    const fetched = await fetch(ctx, wanted);
    if (!fetched) continue;
    await using _file = fetched.file;
    if (fetched.sealed.digests.sha256 !== sha256) continue;
    await saveArtifacts(ctx, domain, [fetched], { replace: true });
    return true;
  }
  return false;
}

async function giveUp(
  { ctx }: Job,
  { domain, options }: Repair,
  { artifact, condition }: { readonly artifact: StoredArtifact; readonly condition: Condition },
): Promise<void> {
  ctx.log.warn(`No source has the bytes of artifact ${artifact.sha256} of domain ${domain.name}.`);
  if (condition !== "corrupted" || !options.deleteUnrepairable) return;
  await ctx.storage(domain).remove(artifact.object);
}

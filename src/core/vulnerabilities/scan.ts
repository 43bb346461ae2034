import type { Job } from "../plugin-contract.ts";
import { advisoriesOf } from "./advisories.ts";
import { vulnerabilityErrors } from "./errors.ts";
import { releasePages, releaseTypes } from "./queries.ts";
import { saveFindings } from "./reports.ts";
import { storedJson } from "./stored-json.ts";
import type { Finding, PackageQuery, ReleasedVersion } from "./types.ts";

/** A version that is scanned, and the type of its repository. */
export interface ScannedVersion extends ReleasedVersion {
  /** `repository_version.id` */
  readonly id: string;
  readonly type: string;
}

/** Units of one release, and the question about it. */
interface Held {
  readonly query: PackageQuery;
  readonly units: string[];
}

/** Units whose reports are saved together, and how much text these have. */
const MOST_UNITS = 200;
const MOST_CHARS = 4_000_000;

/**
 * Asks the database of advisories about every unit of a version that is a release, and keeps one
 * report per unit (core-content §16).
 *
 * @throws `vulnerabilityErrors`: there is no source, there are too many releases, or the source fails;
 *   then nothing is changed.
 */
export async function scanVersion(job: Job, version: ScannedVersion): Promise<void> {
  const { ctx, signal } = job;
  const held = [...(await heldReleases(job, version)).values()];
  const total = held.reduce((sum, { units }) => sum + units.length, 0);
  await using scanned = job.progress({
    ...{ code: "total_scanned", message: "Content scanned", total },
  });
  const found = await advisoriesOf(
    ctx,
    held.map(({ query }) => query),
    { signal },
  );
  scanned.add(total);
  await scanned.finish();
  const findings = held.flatMap(({ units }, at): Finding[] => {
    const records = (found.ids[at] ?? []).flatMap((id) => found.records.get(id) ?? []);
    const vulns = records.length === 0 ? "[]" : storedJson(records);
    return units.map((unit) => ({ unit, vulns }));
  });
  await save(job, version, findings);
}

/** By what is asked about them. */
async function heldReleases(
  { ctx }: Job,
  version: ScannedVersion,
): Promise<ReadonlyMap<string, Held>> {
  const { OSV_MAX_RELEASES: most } = ctx.settings;
  const held = new Map<string, Held>();
  for (const type of releaseTypes(ctx, version.type)) {
    const { ecosystem } = type.releases;
    // Where only labels say what they are, the plugin has a scan of its own.
    if (ecosystem === null) continue;
    for await (const page of releasePages(ctx, version, type)) {
      for (const { name, version: release, unit } of page) {
        const key = JSON.stringify([ecosystem, name, release]);
        const known = held.get(key);
        if (known) known.units.push(unit);
        else held.set(key, { query: { ecosystem, name, version: release }, units: [unit] });
      }
      if (held.size > most) throw vulnerabilityErrors.tooMany(most);
    }
  }
  return held;
}

/** A batch at a time: what a batch has changed stays if a later one fails. */
async function save(
  job: Job,
  version: ScannedVersion,
  findings: readonly Finding[],
): Promise<void> {
  await using created = job.progress({
    ...{ code: "created", message: "Vulnerability Reports created" },
  });
  await using updated = job.progress({
    ...{ code: "updated", message: "Vulnerability Reports updated" },
  });
  for (const batch of batchesOf(findings)) {
    job.signal.throwIfAborted();
    const changed = await saveFindings(job.ctx, version, batch);
    created.add(changed.created);
    updated.add(changed.updated);
  }
  await created.finish();
  await updated.finish();
}

function* batchesOf(findings: readonly Finding[]): Generator<readonly Finding[]> {
  let batch: Finding[] = [];
  let chars = 0;
  for (const finding of findings) {
    const isFull = batch.length >= MOST_UNITS || chars + finding.vulns.length > MOST_CHARS;
    if (isFull && batch.length > 0) {
      yield batch;
      batch = [];
      chars = 0;
    }
    batch.push(finding);
    chars += finding.vulns.length;
  }
  if (batch.length > 0) yield batch;
}

import type { DeclaredUnit, Download, Job, RemoteSession } from "#sdk";
import {
  downloadIfChanged,
  markRefreshed,
  openRemote,
  saveArtifacts,
  sql,
  syncRepository,
} from "#sdk";
import { fileContent } from "./content.ts";
import { fileErrors } from "./errors.ts";
import { fileAddress, manifestName } from "./file-address.ts";
import { readManifest } from "./manifest-file.ts";
import { publishVersion } from "./publish.ts";
import { fileRepositoryRow, latestVersion } from "./repository.ts";
import { conditionsOf, isSameSync, type PlannedSync, type SyncDetails } from "./sync-details.ts";
import { fileDb } from "./tables.ts";

export interface SyncRequest {
  /** `repository.id` */
  readonly repository: string;
  /** `remote.id` */
  readonly remote: string;
  readonly mirror: boolean;
  /** Without it the setting decides. */
  readonly optimize?: boolean;
  /** Address of the manifest, if not the one of the remote: a path of an alternate source. */
  readonly url?: string;
  /** The alternate source that is refreshed. */
  readonly acs?: string;
}

/**
 * Makes a repository hold what a manifest lists (core-content §17). The manifest is fetched once;
 * if nothing can change, that is all. A mirror is also published, with the very bytes of the
 * manifest.
 */
export async function synchronize(job: Job, request: SyncRequest): Promise<void> {
  const { ctx, caller } = job;
  const repository = await fileRepositoryRow(ctx.db, caller.domain, request.repository);
  if (request.mirror && repository.autopublish) throw fileErrors.mirrorAutopublish();
  await using remote = await openRemote(ctx, caller.domain, request.remote);
  const now = await planned(job, request, remote);
  const before: Partial<SyncDetails> = repository.last_sync_details;
  const optimize = request.optimize ?? ctx.settings.FILE_SYNC_OPTIMIZATION;
  const maySkip = optimize && isSameSync(before, now) && !(await lacksFiles(job, request, now));

  const manifest = await fetchManifest(job, { remote, now, before: maySkip ? before : {} });
  await using _file = manifest?.file;
  if (request.acs !== undefined) await markRefreshed(ctx, caller.domain, request.acs);
  const isSame = manifest?.sealed.digests.sha256 === before.manifest_checksum;
  if (manifest === undefined || (maySkip && isSame)) return reportSkipped(job);

  const work = { request, remote, now, manifest };
  const version = await syncRepository({
    job,
    repository: request.repository,
    remote,
    mirror: request.mirror,
    units: declaredUnits(job, work),
  });
  if (request.mirror && (version !== undefined || !isSame || before.mirror !== true))
    await publishMirror(job, work);
  await remember(job, work);
}

interface Work {
  readonly request: SyncRequest;
  readonly remote: RemoteSession;
  readonly now: PlannedSync;
  readonly manifest: Download;
}

async function planned(
  { ctx, caller }: Job,
  request: SyncRequest,
  remote: RemoteSession,
): Promise<PlannedSync> {
  const latest = await latestVersion(ctx.db, caller.domain, request.repository);
  return {
    remote_pk: remote.id,
    url: request.url ?? remote.url,
    download_policy: remote.policy,
    mirror: request.mirror,
    most_recent_version: latest.number,
  };
}

/** Whether files are wanted that the latest version has not: removed by reclaim, or never had. */
async function lacksFiles(
  { ctx, caller }: Job,
  request: SyncRequest,
  now: PlannedSync,
): Promise<boolean> {
  if (now.download_policy !== "immediate") return false;
  const { rows } = await sql<{ lacks: boolean }>`
    select exists (
      select from repository r
      join membership m on m.repository = r.num and m.removed = 2147483647
      join content_artifact ca on ca.content = m.content and ca.artifact is null
      where r.domain = ${caller.domain.num} and r.id = ${request.repository}
    ) as lacks`.execute(ctx.db);
  return rows[0]?.lacks ?? false;
}

/** Undefined when the upstream says that it is the one we know. */
async function fetchManifest(
  job: Job,
  from: {
    readonly remote: RemoteSession;
    readonly now: PlannedSync;
    readonly before: Partial<SyncDetails>;
  },
): Promise<Download | undefined> {
  const { ctx, caller, signal } = job;
  await using report = job.progress({
    code: "sync.downloading.metadata",
    message: "Downloading Metadata",
    total: 1,
  });
  const { remote, now, before } = from;
  const wanted = { url: now.url };
  const request = { domain: caller.domain, remote, wanted, signal };
  const manifest = await downloadIfChanged(ctx, request, conditionsOf(before));
  report.add();
  await report.finish();
  return manifest;
}

async function* declaredUnits(
  job: Job,
  { remote, now, manifest }: Work,
): AsyncGenerator<readonly DeclaredUnit[]> {
  const address = fileAddress(now.url);
  const deferred = remote.policy !== "immediate";
  await using report = job.progress({
    code: "sync.parsing.metadata",
    message: "Parsing Metadata Lines",
  });
  for await (const entries of readManifest(manifest.file, now.url)) {
    report.add(entries.length);
    yield entries.map(({ relativePath, sha256, sizeBytes }) => ({
      type: fileContent,
      row: { relative_path: relativePath, digest: Buffer.from(sha256, "hex") },
      files: [
        { relativePath, urls: [address(relativePath)], sizeBytes, digests: { sha256 }, deferred },
      ],
    }));
  }
  await report.finish();
}

async function reportSkipped(job: Job): Promise<void> {
  await using report = job.progress({
    code: "sync.was_skipped",
    message: "Skipping Sync (no change from previous sync)",
    total: 1,
  });
  report.add();
  await report.finish();
}

async function publishMirror(job: Job, { request, now, manifest }: Work): Promise<void> {
  const { ctx, caller } = job;
  const [saved] = await saveArtifacts(ctx, caller.domain, [manifest]);
  if (saved === undefined) throw new Error("Saving the manifest gave no artifact.");
  const version = await latestVersion(ctx.db, caller.domain, request.repository);
  await publishVersion(job, {
    version,
    manifest: manifestName(now.url),
    manifestArtifact: saved.id,
  });
}

async function remember(job: Job, { request, now, manifest }: Work): Promise<void> {
  const { ctx, caller } = job;
  const latest = await latestVersion(ctx.db, caller.domain, request.repository);
  const details: SyncDetails = {
    ...now,
    most_recent_version: latest.number,
    manifest_checksum: manifest.sealed.digests.sha256,
    etag: manifest.headers.etag ?? null,
    last_modified: manifest.headers["last-modified"] ?? null,
  };
  await fileDb(ctx.db)
    .updateTable("file_repository")
    .set({ last_sync_details: sql`${JSON.stringify(details)}::jsonb` })
    .where("domain", "=", caller.domain.num)
    .where("id", "=", request.repository)
    .execute();
}

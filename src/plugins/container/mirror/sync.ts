import type { Job, VersionRef } from "#sdk";
import { openRemote, syncRepository } from "#sdk";
import { upstreamErrors } from "../upstream/errors.ts";
import { signatureSource } from "../upstream/signatures.ts";
import type { MirrorSync } from "./mirror-sync.ts";
import { currentVersion, mirrorOptions } from "./options.ts";
import { MirrorSignatures } from "./signatures.ts";
import { MirrorWalk } from "./walk.ts";

export interface SyncRequest {
  /** `repository.id` */
  readonly repository: string;
  /** `remote.id` */
  readonly remote: string;
  /** What is not selected leaves the repository. */
  readonly mirror: boolean;
  /** Takes only images that are signed. */
  readonly signedOnly: boolean;
}

/**
 * Makes a repository hold what a remote takes of an upstream repository (plugin-container §5). What
 * it has already is only asked for by HEAD.
 *
 * @returns undefined when nothing changed.
 */
export async function synchronize(job: Job, request: SyncRequest): Promise<VersionRef | undefined> {
  const { ctx, caller, signal } = job;
  const { domain } = caller;
  await using remote = await openRemote(ctx, domain, request.remote);
  if (!/^https?:\/\//i.test(remote.url)) throw upstreamErrors.noUrl();
  const options = await mirrorOptions(ctx.db, domain, remote.id);
  const upstream = { remote, place: { url: remote.url, name: options.upstreamName } };
  const version = await currentVersion(ctx.db, domain, request.repository);
  const sync: MirrorSync = { job, remote, upstream, version };
  const source = await signatureSource(upstream, { sigstore: options.sigstore, signal });
  const walk = new MirrorWalk(sync, new MirrorSignatures(sync, source), { ...options, ...request });
  const made = await syncRepository({
    job,
    repository: request.repository,
    remote,
    mirror: request.mirror,
    units: walk.units(),
    saved: walk.saved(),
    kept: walk.kept(),
  });
  await walk.finish();
  return made;
}

import { Batcher } from "#base/batcher.ts";
import type { DeclaredUnit, Job, RemoteSession } from "#sdk";
import { openRemote, syncRepository } from "#sdk";
import { indexRoot } from "./address.ts";
import { MetadataSource } from "./metadata-source.ts";
import { mirrorOptions, syncFingerprint } from "./options.ts";
import type { ProjectReader } from "./project.ts";
import { knownPackages, lacksFiles } from "./queries.ts";
import { mostPageBytes } from "./settings.ts";
import { beginMemory, finishMemory } from "./state.ts";
import { MirrorWalk } from "./walk.ts";

export interface SyncRequest {
  /** `repository.id` */
  readonly repository: string;
  /** `remote.id` */
  readonly remote: string;
  readonly mirror: boolean;
}

/** Projects that ask the database together. */
const PROJECTS_PER_QUERY = 50;

/**
 * Makes a repository hold what a remote takes of an index (plugin-python §9). Projects whose pages
 * did not change since the last sync are not read again; one that cannot be read keeps what it has.
 */
export async function synchronize(job: Job, request: SyncRequest): Promise<void> {
  const { ctx, caller } = job;
  await using remote = await openRemote(ctx, caller.domain, request.remote);
  const reader = await projectReader(job, remote);
  const known = await remembered(job, request, remote);
  const walk = new MirrorWalk(reader, { ...request, known });

  const units = walk.units();
  const first = await units.next();
  if (first.done !== true || walk.isLost)
    await syncRepository({
      job,
      repository: request.repository,
      remote,
      mirror: request.mirror,
      units: resumed(first, units),
      kept: walk.kept(),
    });
  await walk.finish();
  await finishMemory(ctx.db, request.repository);
}

async function projectReader(job: Job, remote: RemoteSession): Promise<ProjectReader> {
  const { ctx, caller } = job;
  const root = indexRoot(remote.url);
  const maxBytes = mostPageBytes(ctx);
  return {
    ...{ job, remote, root, maxBytes },
    options: await mirrorOptions(ctx.db, caller.domain, remote.id),
    metadata: new MetadataSource(ctx, { remote, root, maxBytes }),
    known: new Batcher<readonly string[], ReadonlySet<string>>(
      async (lists) => {
        const found = await knownPackages(ctx.db, caller.domain, lists.flat());
        return lists.map(() => found);
      },
      { most: PROJECTS_PER_QUERY },
    ),
  };
}

/** How many projects are remembered from a sync of the same kind. */
async function remembered(
  { ctx, caller }: Job,
  { repository, mirror }: SyncRequest,
  remote: RemoteSession,
): Promise<number> {
  const { domain } = caller;
  const fingerprint = await syncFingerprint(ctx, domain, { remote, mirror });
  const isLacking =
    remote.policy === "immediate" && (await lacksFiles(ctx.db, { domain, repository }));
  return beginMemory(ctx.db, {
    domain,
    repository,
    fingerprint: isLacking ? Buffer.alloc(fingerprint.length) : fingerprint,
  });
}

async function* resumed(
  first: IteratorResult<readonly DeclaredUnit[]>,
  rest: AsyncGenerator<readonly DeclaredUnit[]>,
): AsyncGenerator<readonly DeclaredUnit[]> {
  if (first.done === true) return;
  yield first.value;
  yield* rest;
}

import { Batcher } from "#base/batcher.ts";
import { type Caller, type Ctx, commitVersion, recordTasks, type VersionRef } from "#sdk";

/** What one request wants to be in the latest version of a repository. */
export interface Push {
  readonly caller: Caller;
  /** `content.id`s of blobs, manifests and signatures. */
  readonly add: readonly string[];
  /** `content.id`s of tags by name; each takes the place of the tag of that name. */
  readonly tags?: ReadonlyMap<string, string>;
  /** A tag that is there keeps its manifest: the push is refused. */
  readonly keepsTags?: boolean;
}

type Edit = Parameters<typeof commitVersion>[2];
type Result = { readonly version: VersionRef | undefined } | { readonly error: unknown };

interface Gate {
  readonly batcher: Batcher<Push, Result>;
  waiting: number;
}

/** Under which clients find a push among the tasks (plugin-container §10.1). */
export const PUSH_TASK = "pulp_container.app.tasks.download_image_data.aadd_and_remove";
/** Pushes that one version may come from. */
const MOST = 200;

const gates = new WeakMap<Ctx["hot"], Map<string, Gate>>();

/**
 * Adds units to the latest version: committed when this returns. Pushes of this process that wait
 * for the same repository get one version together.
 *
 * @param repository `repository.id`
 * @returns undefined if everything is there already.
 * @throws what `commitVersion` throws, to the push that it is about and to no other.
 */
export async function commitPush(
  ctx: Ctx,
  repository: string,
  push: Push,
): Promise<VersionRef | undefined> {
  const known = gates.get(ctx.hot) ?? new Map<string, Gate>();
  gates.set(ctx.hot, known);
  const gate = known.get(repository) ?? newGate(ctx, repository);
  known.set(repository, gate);
  gate.waiting += 1;
  try {
    const result = await gate.batcher.add(push);
    if ("error" in result) throw result.error;
    return result.version;
  } finally {
    gate.waiting -= 1;
    if (gate.waiting === 0) known.delete(repository);
  }
}

/** As `commitPush`, for an edit that follows from what is there: it is asked under the lock. */
export const commitEdit = (
  ctx: Ctx,
  repository: string,
  { caller, edit }: { readonly caller: Caller; readonly edit: Edit },
): Promise<VersionRef | undefined> => commitVersion(author(ctx, [caller]), repository, edit);

const newGate = (ctx: Ctx, repository: string): Gate => ({
  batcher: new Batcher((pushes) => commitAll(ctx, repository, pushes), { most: MOST }),
  waiting: 0,
});

/** One version for all; if that is refused, one for each, so that nobody pays for another. */
async function commitAll(
  ctx: Ctx,
  repository: string,
  pushes: readonly Push[],
): Promise<readonly Result[]> {
  const together = await settled(ctx, repository, pushes);
  if (pushes.length === 1 || !("error" in together)) return pushes.map(() => together);
  const results: Result[] = [];
  for (const push of pushes) results.push(await settled(ctx, repository, [push]));
  return results;
}

/** Of two tags of one name the later one is what would have stayed. */
async function settled(ctx: Ctx, repository: string, pushes: readonly Push[]): Promise<Result> {
  const tags = new Map(pushes.flatMap((push) => [...(push.tags ?? [])]));
  const add = [...pushes.flatMap((push) => push.add), ...tags.values()];
  const callers = pushes.map(({ caller }) => caller);
  const overwrite = !pushes.some(({ keepsTags }) => keepsTags);
  const edit = { add, remove: [], overwrite };
  try {
    return { version: await commitVersion(author(ctx, callers), repository, edit) };
  } catch (error) {
    return { error };
  }
}

function author(ctx: Ctx, callers: readonly Caller[]) {
  const [caller] = callers;
  if (!caller) throw new Error("A version is made on somebody's behalf.");
  type Created = Parameters<Parameters<typeof commitVersion>[0]["created"]>;
  return {
    ...{ ctx, caller },
    async created(...[created, trx]: Created): Promise<void> {
      if (!trx) throw new Error("A version is created in a transaction.");
      const done = callers.map((each) => ({ caller: each, created: [created] }));
      await recordTasks(ctx, { name: PUSH_TASK, done }, trx);
    },
  };
}

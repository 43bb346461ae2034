import { Batcher } from "#base/batcher.ts";
import { type Ctx, createVersion, type Job, type VersionRef } from "#sdk";

/** What one task wants to add to a repository. */
interface Wish {
  readonly job: Job;
  /** `content.id`s */
  readonly units: readonly string[];
}

type Result = { readonly version: VersionRef | undefined } | { readonly error: unknown };

/** Tasks that one version may come from. */
const MOST = 500;

interface Gate {
  readonly batcher: Batcher<Wish, Result>;
  waiting: number;
}

const gates = new WeakMap<Ctx["hot"], Map<string, Gate>>();

/**
 * Adds units to a repository; tasks of this process that wait for the same one get one version
 * together, and each of them reports it. Nothing that is there is replaced.
 *
 * @returns undefined if everything is there already.
 * @throws what `createVersion` throws, to the task whose units are refused and to no other.
 */
export async function joinVersion(
  job: Job,
  repository: string,
  units: readonly string[],
): Promise<VersionRef | undefined> {
  const known = gates.get(job.ctx.hot) ?? new Map<string, Gate>();
  gates.set(job.ctx.hot, known);
  const gate = known.get(repository) ?? newGate(repository);
  known.set(repository, gate);
  gate.waiting += 1;
  try {
    const result = await gate.batcher.add({ job, units });
    if ("error" in result) throw result.error;
    return result.version;
  } finally {
    gate.waiting -= 1;
    if (gate.waiting === 0) known.delete(repository);
  }
}

const newGate = (repository: string): Gate => ({
  batcher: new Batcher((wishes) => addAll(repository, wishes), { most: MOST }),
  waiting: 0,
});

/** One version for all; if that is refused, one for each, so that nobody pays for another. */
async function addAll(repository: string, wishes: readonly Wish[]): Promise<readonly Result[]> {
  const [first, ...others] = wishes;
  if (!first) return [];
  const together = await settled(repository, {
    job: jointJob(
      first.job,
      others.map(({ job }) => job),
    ),
    units: wishes.flatMap(({ units }) => units),
  });
  if (others.length === 0 || !("error" in together)) return wishes.map(() => together);
  const results: Result[] = [];
  for (const wish of wishes) results.push(await settled(repository, wish));
  return results;
}

async function settled(repository: string, { job, units }: Wish): Promise<Result> {
  try {
    const add = [...new Set(units)];
    return { version: await createVersion(job, repository, { add, remove: [], overwrite: false }) };
  } catch (error) {
    return { error };
  }
}

/** Whatever is created is created by every task. */
function jointJob(job: Job, others: readonly Job[]): Job {
  if (others.length === 0) return job;
  const { ctx, taskId, caller, signal } = job;
  return {
    ...{ ctx, taskId, caller, signal },
    progress: (spec) => job.progress(spec),
    async created(resource, trx) {
      for (const one of [job, ...others]) await one.created(resource, trx);
    },
    get workingDirectory() {
      return job.workingDirectory;
    },
  };
}

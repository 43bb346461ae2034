import { Batcher } from "#base/batcher.ts";
import { type Ctx, createVersion, type Job, type VersionRef } from "#sdk";

/** What one task wants to add to a repository. */
interface Wish {
  readonly job: Job;
  /** `content.id`s */
  readonly add: readonly string[];
  /** What is there of the same names gives way; else it is refused. */
  readonly overwrite: boolean;
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
 * together, and each of them reports it.
 *
 * @returns undefined if everything is there already.
 * @throws what `createVersion` throws, to the task whose units are refused and to no other.
 */
export async function joinVersion(
  job: Job,
  repository: string,
  { add, overwrite }: Omit<Wish, "job">,
): Promise<VersionRef | undefined> {
  const known = gates.get(job.ctx.hot) ?? new Map<string, Gate>();
  gates.set(job.ctx.hot, known);
  const gate = known.get(repository) ?? newGate(repository);
  known.set(repository, gate);
  gate.waiting += 1;
  try {
    const result = await gate.batcher.add({ job, add, overwrite });
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

/**
 * One version for all; if that is refused, or one of them overwrites, one for each, so that nobody
 * pays for another.
 */
async function addAll(repository: string, wishes: readonly Wish[]): Promise<readonly Result[]> {
  const [first, ...others] = wishes;
  if (!first) return [];
  if (others.length > 0 && wishes.some(({ overwrite }) => overwrite)) {
    return oneByOne(repository, wishes);
  }
  const together = await settled(repository, {
    job: jointJob(
      first.job,
      others.map(({ job }) => job),
    ),
    add: wishes.flatMap(({ add }) => add),
    overwrite: first.overwrite,
  });
  if (others.length === 0 || !("error" in together)) return wishes.map(() => together);
  return oneByOne(repository, wishes);
}

async function oneByOne(repository: string, wishes: readonly Wish[]): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const wish of wishes) results.push(await settled(repository, wish));
  return results;
}

async function settled(repository: string, { job, add: all, overwrite }: Wish): Promise<Result> {
  try {
    const add = [...new Set(all)];
    return { version: await createVersion(job, repository, { add, remove: [], overwrite }) };
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

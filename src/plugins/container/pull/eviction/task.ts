import { Type } from "@sinclair/typebox";
import { CodedError } from "#base/errors.ts";
import { prn } from "#base/prn.ts";
import {
  applyRetention,
  commitVersion,
  defineTask,
  dispatch,
  type Job,
  type Json,
  sql,
} from "#sdk";
import { cutoffOf } from "./cutoff.ts";
import { type CacheRepository, cachesWithOlder, planEviction, sizeOf } from "./evict.ts";

const PULL_THROUGH = "container.ContainerPullThroughDistribution";

const limit = Type.Union([Type.Number(), Type.Null()]);

/**
 * Lets the caches of a pull-through distribution go of what is over its limits. Each cache gets one
 * new version under the short lock that pulls take, so nobody who pulls is sent away; the bytes go
 * with the next clean-up of orphans.
 */
export const evictFromCaches = defineTask({
  name: "deckle.container.caches.evict",
  label: "container",
  input: Type.Object({
    /** `distribution.id` of the pull-through distribution. */
    distribution: Type.String(),
    notPulledForDays: limit,
    overBytes: limit,
  }),
  async run(job, { distribution, ...limits }): Promise<Json> {
    const { ctx, caller, signal } = job;
    const through = { domain: caller.domain.num, id: distribution };
    const nowMs = ctx.clock.now();
    const { beforeMs } = await cutoffOf(ctx.db, through, { limits, nowMs });
    const done = { repositories: 0, tags: 0, manifests: 0, bytes: 0, is_complete: true };
    if (beforeMs === null) return done;
    for await (const cache of cachesWithOlder(ctx.db, through, beforeMs)) {
      signal.throwIfAborted();
      const gone = await evictFrom(job, { cache, beforeMs, nowMs });
      done.repositories += gone.tags + gone.manifests > 0 ? 1 : 0;
      done.tags += gone.tags;
      done.manifests += gone.manifests;
      done.bytes += gone.bytes;
      done.is_complete &&= gone.isComplete;
    }
    return done;
  },
});

interface Gone {
  readonly tags: number;
  readonly manifests: number;
  readonly bytes: number;
  readonly isComplete: boolean;
}

async function evictFrom(
  job: Job,
  of: { readonly cache: CacheRepository; readonly beforeMs: number; readonly nowMs: number },
): Promise<Gone> {
  const domain = job.caller.domain.num;
  const gone = { tags: 0, manifests: 0, bytes: 0, isComplete: true };
  try {
    for (let hasMore = true; hasMore; ) {
      job.signal.throwIfAborted();
      await commitVersion(job, of.cache.id, async (trx) => {
        const plan = await planEviction(trx, { domain, ...of });
        gone.tags += plan.tags.length;
        gone.manifests += plan.manifests.length;
        gone.bytes += await sizeOf(trx, domain, plan);
        hasMore = !plan.isComplete && plan.remove.length > 0;
        return { add: [], remove: plan.remove };
      });
    }
    // The version before would hold what has gone until somebody pulls something new.
    if (of.cache.keepsLatest && gone.tags + gone.manifests > 0)
      await applyRetention(job.ctx, of.cache.id, { onlyLatest: true });
    return gone;
  } catch (error) {
    // Deleted since, or a task has the repository for itself: the next run comes by.
    const isPassing = error instanceof CodedError && (error.status === 404 || error.status === 429);
    if (!isPassing) throw error;
    job.ctx.log.info(`The cache ${of.cache.basePath} is passed over: ${error.message}`);
    return { ...gone, isComplete: false };
  }
}

interface Limited {
  readonly id: string;
  readonly notPulledForDays: number | null;
  readonly overBytes: number | null;
  readonly domain: Job["caller"]["domain"];
}

/** Distributions that are looked up together. */
const PAGE = 500;
const NOTHING = "00000000-0000-0000-0000-000000000000";

/** A task for each pull-through distribution that has a limit, of every domain. */
export const evictFromAllCaches = defineTask({
  name: "deckle.container.caches.evict_all",
  label: "container",
  input: Type.Object({}),
  async run({ ctx, caller, signal }): Promise<Json> {
    let dispatched = 0;
    for (let after = NOTHING; ; ) {
      const { rows } = await sql<Limited>`
        select c.id, c.evict_not_pulled_for_days as "notPulledForDays",
          c.evict_over_bytes::float8 as "overBytes",
          json_build_object('num', d.num, 'id', d.id, 'name', d.name) as domain
        from container_distribution c join domain d on d.num = c.domain
        where (c.evict_not_pulled_for_days is not null or c.evict_over_bytes is not null)
          and c.id > ${after}
        order by c.id limit ${PAGE}`.execute(ctx.db);
      for (const { id, domain, notPulledForDays, overBytes } of rows) {
        signal.throwIfAborted();
        await dispatch(ctx, {
          task: evictFromCaches,
          input: { distribution: id, notPulledForDays, overBytes },
          caller: { ...caller, domain },
          exclusive: [evictionLock(id)],
        });
        dispatched += 1;
      }
      const last = rows.at(-1);
      if (!last || rows.length < PAGE) return { dispatched };
      after = last.id;
    }
  },
});

/** One run for a distribution at a time. */
export const evictionLock = (distribution: string): string => prn(PULL_THROUGH, distribution);

const DAY_MINUTES = 1440;

export const evictionSchedules = [
  {
    name: "Evict from pull-through caches of container registries periodically",
    taskName: evictFromAllCaches.name,
    input: {},
    minutes: DAY_MINUTES,
  },
] as const;

import { type Executor, sql } from "#sdk";
import { planRetention, type RetentionPlan } from "../../tag-rules/retention/plan.ts";
import type { RetentionPolicy } from "../../tag-rules/retention/policy.ts";
import type { Trx } from "../../trx.ts";
import { cachesOf, type Through } from "./cutoff.ts";

/** The repository of a cache. */
export interface CacheRepository {
  readonly id: string;
  readonly num: number;
  readonly basePath: string;
  /** It keeps its latest version, as caches are made to; else somebody wants the others, too. */
  readonly keepsLatest: boolean;
}

/** Repositories that are looked up together. */
const PAGE = 500;

/** Caches that have something as old as that, in the order of their paths. */
export async function* cachesWithOlder(
  db: Executor,
  through: Through,
  beforeMs: number,
): AsyncGenerator<CacheRepository> {
  for (let after = ""; ; ) {
    const { rows } = await sql<CacheRepository>`
      select k.id, k.num, k.base_path as "basePath",
        coalesce(k.retain_repo_versions = 1, false) as "keepsLatest" from (${cachesOf(through)}) k
      where k.base_path collate "C" > ${after} and exists (select from membership m
        where m.repository = k.num and m.removed = 2147483647 and m.at <= ${new Date(beforeMs)})
      order by k.base_path collate "C" limit ${PAGE}`.execute(db);
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = last.basePath;
  }
}

const DAY_MS = 86_400_000;

/** Whatever nobody asked for since a moment. */
function policySince(beforeMs: number, nowMs: number): RetentionPolicy {
  const days = (nowMs - beforeMs) / DAY_MS;
  const rule = { tags: ["*"], keepNewest: null, olderThanDays: null, notPulledForDays: days };
  return { keep: [], rules: [rule], untaggedOlderThanDays: days };
}

/** What one cache lets go of; asked in the transaction that does it, or in one that only looks. */
export const planEviction = (
  trx: Trx,
  of: {
    readonly domain: number;
    readonly cache: Pick<CacheRepository, "id" | "num">;
    readonly beforeMs: number;
    readonly nowMs: number;
  },
): Promise<RetentionPlan> => {
  const { domain, cache, beforeMs, nowMs } = of;
  return planRetention(trx, {
    repository: cache.id,
    latest: { domain, repository: cache.num },
    policy: policySince(beforeMs, nowMs),
    nowMs,
  });
};

/** Bytes of what goes from a cache; what others have as well is not freed by it. */
export async function sizeOf(
  db: Executor,
  domain: number,
  { remove }: Pick<RetentionPlan, "remove">,
): Promise<number> {
  if (remove.length === 0) return 0;
  const { rows } = await sql<{ bytes: number }>`
    select coalesce(sum(b.size), 0)::float8 as bytes from container_blob b
    where b.domain = ${domain} and b.id = any(${remove}::uuid[])
      and exists (select from content_artifact f
        where f.domain = b.domain and f.content = b.id and f.artifact is not null)`.execute(db);
  return rows[0]?.bytes ?? 0;
}

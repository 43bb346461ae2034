import { fieldError } from "#base/errors.ts";
import {
  type Action,
  boolean,
  type Call,
  dispatch,
  type Field,
  FieldProblem,
  inTransaction,
  integer,
  type Json,
  list,
} from "#sdk";
import { cutoffOf, type Limits } from "../pull/eviction/cutoff.ts";
import { cachesWithOlder, planEviction, sizeOf } from "../pull/eviction/evict.ts";
import { evictFromCaches, evictionLock } from "../pull/eviction/task.ts";
import type { RetentionPlan } from "../tag-rules/retention/plan.ts";
import { POST_TO_OBJECT } from "./repository-actions.ts";

/** Older than anything. */
const MOST_DAYS = 36_500;
/** Caches that a look without a change tells of. */
const MOST_CACHES = 100;

const between = (least: number, most: number) => ({
  nullable: true,
  check: (value: number | null) => {
    if (value === null || (value >= least && value <= most)) return value;
    throw new FieldProblem(`Ensure this value is between ${least} and ${most}.`);
  },
});

/** What its caches let go of; null bounds nothing. */
export const evictionFields: Readonly<Record<string, Field>> = {
  evict_not_pulled_for_days: integer(between(1, MOST_DAYS)),
  evict_over_bytes: integer(between(0, Number.MAX_SAFE_INTEGER)),
};

const NO_LIMIT =
  "Give evict_not_pulled_for_days or evict_over_bytes, since the distribution has neither.";

/** `evict`: by the limits of the distribution, or by those that are given, for once. */
export const evictAction: Action = {
  name: "evict",
  ...POST_TO_OBJECT,
  answers: { 200: "CacheEvictionPlanResponse", ...POST_TO_OBJECT.answers },
  body: {
    schema: "CacheEviction",
    fields: { dry_run: boolean({ default: false }), ...evictionFields },
  },
  async run(call, values, row) {
    const isGiven = Object.keys(evictionFields).some((name) => values[name] !== undefined);
    const from = isGiven ? values : row;
    const limits = {
      notPulledForDays: numberOf(from.evict_not_pulled_for_days),
      overBytes: numberOf(from.evict_over_bytes),
    };
    if (limits.notPulledForDays === null && limits.overBytes === null)
      throw fieldError("non_field_errors", NO_LIMIT);
    const distribution = String(row.$key);
    if (values.dry_run === true)
      return { kind: "json", status: 200, body: await planned(call, distribution, limits) };
    const { ctx, caller } = call;
    const { id } = await dispatch(ctx, {
      task: evictFromCaches,
      input: { distribution, ...limits },
      caller,
      exclusive: [evictionLock(distribution)],
    });
    return { kind: "task", task: id };
  },
};

const numberOf = (value: unknown): number | null =>
  value === null || value === undefined ? null : Number(value);

/** What would go now; nothing changes. */
async function planned({ ctx, caller }: Call, id: string, limits: Limits): Promise<Json> {
  const domain = caller.domain.num;
  const through = { domain, id };
  const nowMs = ctx.clock.now();
  const { beforeMs, sizeBytes } = await cutoffOf(ctx.db, through, { limits, nowMs });
  const caches: Json[] = [];
  let isComplete = true;
  for await (const cache of cachesWithOlder(ctx.db, through, beforeMs ?? 0)) {
    if (caches.length === MOST_CACHES) {
      isComplete = false;
      break;
    }
    const found = await inTransaction(ctx, undefined, async (trx) => {
      const plan = await planEviction(trx, { domain, cache, beforeMs: beforeMs ?? 0, nowMs });
      return { plan, bytes: await sizeOf(trx, domain, plan) };
    });
    isComplete &&= found.plan.isComplete;
    if (found.plan.remove.length > 0) caches.push(wireOf(cache.basePath, found.plan, found.bytes));
  }
  const before = beforeMs === null ? null : new Date(beforeMs).toISOString();
  return { size: sizeBytes, not_used_since: before, caches, is_complete: isComplete };
}

const wireOf = (basePath: string, { tags, manifests }: RetentionPlan, bytes: number): Json => ({
  base_path: basePath,
  bytes,
  tags: tags.map(({ name, digest, addedMs, pulledMs }) => ({
    ...{ name, digest },
    added: new Date(addedMs).toISOString(),
    last_pulled: pulledMs === null ? null : new Date(pulledMs).toISOString(),
  })),
  manifests: manifests.map(({ digest }) => digest),
});

const moment = { type: "string", format: "date-time" } as const;
const texts = { type: "array", items: { type: "string" } } as const;

/** What a dry run answers. */
export const evictionSchemas = {
  CacheEvictionPlanResponse: {
    size: integer({ required: true }),
    not_used_since: { schema: { ...moment, nullable: true } },
    caches: list(
      {
        type: "object",
        properties: {
          base_path: { type: "string" },
          bytes: { type: "integer", format: "int64" },
          tags: {
            type: "array",
            items: {
              type: "object",
              properties: {
                name: { type: "string" },
                digest: { type: "string" },
                added: moment,
                last_pulled: { ...moment, nullable: true },
              },
            },
          },
          manifests: texts,
        },
      },
      { required: true },
    ),
    is_complete: boolean({ required: true }),
  },
} as const;

import { Type } from "@sinclair/typebox";
import { prn } from "#base/prn.ts";
import { createVersion, defineTask, dispatch, type Job, type Json, sql } from "#sdk";
import { containerErrors } from "../../errors.ts";
import { addPending } from "../../pending.ts";
import { planRetention } from "./plan.ts";
import { PolicyProblem, type RetentionPolicy, retentionPolicyOf } from "./policy.ts";

/** Repositories that are looked up together. */
const PAGE = 500;

/**
 * Applies a policy, or the one of the repository, to its latest version: a new version for as much as
 * one plan holds, until nothing more goes.
 */
export const applyRetentionPolicy = defineTask({
  name: "deckle.container.retention.apply",
  label: "container",
  input: Type.Object({
    /** `repository.id` */
    repository: Type.String(),
    /** As the wire has it. */
    policy: Type.Optional(Type.Unknown()),
  }),
  async run(job, { repository, policy: given }): Promise<Json> {
    const { ctx, caller, signal } = job;
    const domain = caller.domain.num;
    const stored = given ?? (await storedPolicy(job, repository));
    if (stored === null) return null;
    const policy = readPolicy(stored);
    const nowMs = ctx.clock.now();
    const gone = { tags: 0, manifests: 0 };
    for (;;) {
      let hasMore = false;
      await createVersion(job, repository, async (trx, { num }) => {
        const latest = { domain, repository: num };
        const plan = await planRetention(trx, { repository, latest, policy, nowMs });
        // Nobody named these: until a clean-up takes them they wait for what needs them again.
        await addPending(trx, { id: repository, domain }, plan.parts);
        gone.tags += plan.tags.length;
        gone.manifests += plan.manifests.length;
        hasMore = !plan.isComplete && plan.remove.length > 0;
        return { add: [], remove: plan.remove };
      });
      if (!hasMore) return { ...gone, is_complete: true };
      signal.throwIfAborted();
    }
  },
});

/** Null if it was taken off since. */
async function storedPolicy({ ctx, caller }: Job, repository: string): Promise<unknown> {
  const { rows } = await sql<{ policy: unknown }>`
    select retention_policy as policy from container_repository
    where domain = ${caller.domain.num} and id = ${repository}`.execute(ctx.db);
  return rows[0]?.policy ?? null;
}

function readPolicy(stored: unknown): RetentionPolicy {
  try {
    return retentionPolicyOf(stored);
  } catch (error) {
    if (error instanceof PolicyProblem) throw containerErrors.policy(error.message);
    throw error;
  }
}

interface Ruled {
  readonly id: string;
  readonly type: string;
  readonly domain: Job["caller"]["domain"];
}

/** A task for each repository that has a policy, of every domain. */
export const applyAllRetentionPolicies = defineTask({
  name: "deckle.container.retention.apply_all",
  label: "container",
  input: Type.Object({}),
  async run(job): Promise<Json> {
    const { ctx, caller, signal } = job;
    let dispatched = 0;
    for (let after = NOTHING; ; ) {
      const page = await ruledRepositories(job, after);
      for (const { id, type, domain } of page) {
        signal.throwIfAborted();
        const { model } = ctx.plugins.entity("repository", type);
        const own = { ...caller, domain };
        const input = { repository: id };
        await dispatch(ctx, {
          ...{ task: applyRetentionPolicy, input },
          ...{ caller: own, exclusive: [prn(model, id)] },
        });
        dispatched += 1;
      }
      const last = page.at(-1);
      if (!last || page.length < PAGE) return { dispatched };
      after = last.id;
    }
  },
});

const NOTHING = "00000000-0000-0000-0000-000000000000";

async function ruledRepositories({ ctx }: Job, after: string): Promise<readonly Ruled[]> {
  const { rows } = await sql<Ruled>`
    select r.id, r.type, json_build_object('num', d.num, 'id', d.id, 'name', d.name) as domain
    from container_repository c
    join repository r on r.domain = c.domain and r.id = c.id
    join domain d on d.num = c.domain
    where c.retention_policy is not null and c.id > ${after}
    order by c.id limit ${PAGE}`.execute(ctx.db);
  return rows;
}

const DAY_MINUTES = 1440;

/** Workers apply the policies once a day. */
export const retentionSchedules = [
  {
    name: "Apply retention policies of container repositories periodically",
    taskName: applyAllRetentionPolicies.name,
    input: {},
    minutes: DAY_MINUTES,
  },
] as const;

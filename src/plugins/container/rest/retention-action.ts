import { fieldError } from "#base/errors.ts";
import {
  type Action,
  boolean,
  type Call,
  type Field,
  FieldProblem,
  inTransaction,
  type Json,
  list,
  sql,
} from "#sdk";
import { planRetention, type RetentionPlan } from "../tag-rules/retention/plan.ts";
import { PolicyProblem, retentionPolicyOf } from "../tag-rules/retention/policy.ts";
import { applyRetentionPolicy } from "../tag-rules/retention/task.ts";
import { GLOB } from "./globs.ts";
import { dispatchFor, POST_TO_OBJECT, type Row } from "./repository-actions.ts";

const globs = { type: "array", items: GLOB } as const;
const days = (minimum: number) => ({ type: "integer", minimum, nullable: true }) as const;

const schema = {
  type: "object",
  properties: {
    keep: globs,
    rules: {
      type: "array",
      items: {
        type: "object",
        properties: {
          tags: globs,
          keep_newest: days(0),
          older_than_days: days(0),
          not_pulled_for_days: days(0),
        },
        required: ["tags"],
      },
    },
    untagged_older_than_days: days(1),
  },
} as const;

function checkPolicy(value: unknown): unknown {
  try {
    retentionPolicyOf(value);
    return value;
  } catch (error) {
    if (error instanceof PolicyProblem) throw new FieldProblem(error.message);
    throw error;
  }
}

/** What a repository does not keep; null keeps everything. */
export const retentionPolicy: Field = { schema, nullable: true, check: checkPolicy };

const NO_POLICY = "This field is required since the repository has no retention policy.";

/** `retention`: by the policy of the repository, or by the one that is given, for once. */
export const retentionAction: Action = {
  name: "retention",
  ...POST_TO_OBJECT,
  answers: { 200: "RetentionPlanResponse", ...POST_TO_OBJECT.answers },
  body: {
    schema: "Retention",
    fields: { dry_run: boolean({ default: false }), retention_policy: retentionPolicy },
  },
  async run(call, values, row) {
    const policy = values.retention_policy ?? row.retention_policy;
    if (!policy) throw fieldError("retention_policy", NO_POLICY);
    if (values.dry_run === true) {
      return { kind: "json", status: 200, body: wireOf(await planned(call, row, policy)) };
    }
    return dispatchFor(call, row, { task: applyRetentionPolicy, input: { policy } });
  },
};

/** What would go now; nothing changes. */
function planned({ ctx, caller }: Call, row: Row, policy: unknown): Promise<RetentionPlan> {
  const repository = String(row.$key);
  return inTransaction(ctx, undefined, async (trx) => {
    const { rows } = await sql<{ num: number }>`
      select num from repository where id = ${repository}`.execute(trx);
    return planRetention(trx, {
      repository,
      latest: { domain: caller.domain.num, repository: rows[0]?.num ?? 0 },
      policy: retentionPolicyOf(policy),
      nowMs: ctx.clock.now(),
    });
  });
}

const wireOf = ({ tags, manifests, isComplete }: RetentionPlan): Json => ({
  tags: tags.map(({ name, digest, addedMs, pulledMs, reason }) => ({
    ...{ name, digest, reason },
    added: new Date(addedMs).toISOString(),
    last_pulled: pulledMs === null ? null : new Date(pulledMs).toISOString(),
  })),
  manifests: manifests.map(({ digest, mediaType, reason }) => ({
    ...{ digest, media_type: mediaType, reason },
  })),
  is_complete: isComplete,
});

const moment = { type: "string", format: "date-time" } as const;

/** What a dry run answers. */
export const retentionSchemas = {
  RetentionPlanResponse: {
    tags: list(
      {
        type: "object",
        properties: {
          name: { type: "string" },
          digest: { type: "string" },
          reason: { type: "string" },
          added: moment,
          last_pulled: { ...moment, nullable: true },
        },
      },
      { required: true },
    ),
    manifests: list(
      {
        type: "object",
        properties: {
          digest: { type: "string" },
          media_type: { type: "string" },
          reason: { type: "string" },
        },
      },
      { required: true },
    ),
    is_complete: boolean({ required: true }),
  },
};

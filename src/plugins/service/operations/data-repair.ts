import { Type } from "@sinclair/typebox";
import { boolean, defineTask, dispatch } from "#sdk";
import { isAdmin } from "../access/audiences.ts";
import { operation } from "./endpoint.ts";

const CODE = "repair.7465";

/**
 * Repairs lists of units that other servers keep with each version of a repository. Versions here are
 * ranges of memberships, so there is no list that could be missing, and it reports none
 * (service §10.7).
 */
export const repairVersions = defineTask({
  name: "pulp_service.app.tasks.datarepair_7465.repair_7465",
  label: "service",
  input: Type.Object({ dryRun: Type.Boolean() }),
  async run(job) {
    for (const [what, message] of [
      ["versions_checked", "Versions whose list of content is kept"],
      ["versions_fixed", "Versions repaired"],
    ] as const) {
      await using report = job.progress({ code: `${CODE}.${what}`, message, total: 0 });
      await report.finish();
    }
    return null;
  },
});

export const dataRepair = operation({
  path: "datarepair/7465-v2",
  method: "POST",
  operationId: "datarepair_7465_v2_post",
  tag: "Datarepair",
  title: "Repair lists of content of repository versions",
  body: {
    schema: "DataRepair7465",
    fields: { dry_run: boolean({ default: false }) },
    isLenient: true,
  },
  answers: { 202: "AsyncOperationResponse" },
  admits: isAdmin,
  async run({ ctx, caller }, { dry_run: dryRun }) {
    const { id } = await dispatch(ctx, {
      ...{ task: repairVersions, input: { dryRun: dryRun === true }, caller },
      exclusive: [`pdrn:${caller.domain.id}:datarepair-7465`],
    });
    return { kind: "task", task: id };
  },
});

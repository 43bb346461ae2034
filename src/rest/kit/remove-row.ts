import { forgetAssignments } from "#core/access/commands.ts";
import type { Run } from "./call.ts";
import { keyOf } from "./present.ts";
import type { Resource, Row } from "./resource.ts";

/** Deletes an object, and then who had which role on it (reliability §2, I11). */
export async function removeRow(resource: Resource, run: Run, row: Row): Promise<void> {
  await resource.operations.delete?.apply?.(run, row);
  if (resource.key === "uuid") await forgetAssignments(run.ctx.db, [String(keyOf(row))]);
}

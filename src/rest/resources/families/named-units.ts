import { fieldError, ValidationError } from "#base/errors.ts";
import { touchUnits } from "#core/content/commands.ts";
import { missingUnits, unitsAnywhere } from "#core/content/queries.ts";
import type { Run } from "../../kit/call.ts";
import { contentIds } from "../../kit/references.ts";
import { FieldProblem } from "../../kit/resource.ts";

/** Units that a request names, by href or PRN. */

/** Their ids; they exist in this domain, and stay for another while. */
export async function namedUnits(
  run: Run,
  field: string,
  values: readonly string[],
): Promise<string[]> {
  const ids = unitIds(run, field, values);
  await checkUnits(run, ids, values);
  return ids;
}

/** @throws `ValidationError` under the name of the key if one is no address of a unit. */
export function unitIds(run: Run, field: string, values: readonly string[]): string[] {
  try {
    return contentIds(run, values);
  } catch (error) {
    if (error instanceof FieldProblem) throw fieldError(field, error.message);
    throw error;
  }
}

/** Units exist in this domain, and stay for another while (core-content §3.2). */
export async function checkUnits(
  run: Run,
  ids: readonly string[],
  hrefs: readonly string[],
): Promise<void> {
  if (ids.length === 0) return;
  const missing = new Set(await missingUnits(run.ctx.db, run.caller.domain, ids));
  if (missing.size === 0) return touchUnits(run.ctx.db, run.caller.domain, ids);
  const elsewhere = new Set(await unitsAnywhere(run.ctx.db, [...missing]));
  const named = (set: ReadonlySet<string>) =>
    `[${hrefs.flatMap((href, index) => (set.has(ids[index] ?? "") ? [`'${href}'`] : [])).join(", ")}]`;
  const nowhere = missing.difference(elsewhere);
  if (nowhere.size > 0) {
    throw new ValidationError([`Could not find the following content units: ${named(nowhere)}`]);
  }
  const { name } = run.caller.domain;
  throw new ValidationError([
    `Content units are not a part of the current domain ${name}: ${named(elsewhere)}`,
  ]);
}

import { fieldError } from "#base/errors.ts";
import { type Action, type Call, FieldProblem, list, signingServiceField, sql, text } from "#sdk";
import { isRepositoryName } from "../format/names.ts";
import { signImages } from "../sign/task.ts";
import { dispatchFor } from "./repository-actions.ts";

/** Which services repositories are signed by. */
export const manifestSigningService = signingServiceField("manifest_signing_service", {
  kind: "container.ManifestSigningService",
  what: "manifest signing service",
});

const NO_SERVICE = "This field is required since a signing_service is not set on the repo.";
const SINGLE = "This field cannot be set since this repo has a single distribution.";
const SEVERAL = "This field is required since this repo has zero or multiple distributions.";

const { read: _, ...serviceInput } = manifestSigningService;

/** Under which name the repository is signed: that of its one distribution, or of one to come. */
async function basePathOf(
  { ctx, caller }: Call,
  repository: string,
  future: unknown,
): Promise<string> {
  const { rows } = await sql<{ base_path: string }>`
    select base_path from distribution
    where domain = ${caller.domain.num} and repository = ${repository} limit 2`.execute(ctx.db);
  const [one, other] = rows;
  if (one && !other) {
    if (future !== undefined) throw fieldError("future_base_path", SINGLE);
    return one.base_path;
  }
  if (typeof future !== "string") throw fieldError("future_base_path", SEVERAL);
  return future;
}

function checkPath(value: string): string {
  if (!isRepositoryName(value))
    throw new FieldProblem("The provided base path contains forbidden characters.");
  return value;
}

function checkTags(values: readonly unknown[]): readonly unknown[] {
  if (values.every((value) => typeof value === "string")) return values;
  throw new FieldProblem("Not a valid string.");
}

/** `sign` (plugin-container §4.5): services sign every tagged manifest of the repository. */
export const signAction: Action = {
  name: "sign",
  method: "POST",
  on: "object",
  answers: { 202: "AsyncOperationResponse" },
  body: {
    schema: "RepositorySign",
    fields: {
      manifest_signing_service: serviceInput,
      future_base_path: text({ check: checkPath }),
      tags_list: list({}, { check: checkTags }),
    },
  },
  async run(call, values, row) {
    const service = values.manifest_signing_service ?? row.manifest_signing_service;
    if (!service) throw fieldError("manifest_signing_service", NO_SERVICE);
    const path = await basePathOf(call, String(row.$key), values.future_base_path);
    const { host } = new URL(call.view.origin);
    const name = call.view.domainEnabled ? `${call.view.domain}/${path}` : path;
    const input = { service, reference: `${host}/${name}`, tags: values.tags_list ?? null };
    return dispatchFor(call, row, { task: signImages, input });
  },
};

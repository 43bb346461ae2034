import { fieldError, objectError } from "#base/errors.ts";
import { prn } from "#base/prn.ts";
import { type Action, type Call, FieldProblem, relation, saveArtifacts, sql, text } from "#sdk";
import { buildImage } from "../build/task.ts";
import { isTag } from "../format/names.ts";
import { dispatchFor } from "./repository-actions.ts";

const ONE = "Exactly one of 'containerfile' or 'containerfile_name' must be specified.";
const NO_CONTEXT = "A 'build_context' must be specified when 'containerfile_name' is present.";
const NOT_HERE =
  "It is not possible to use File content synced with on-demand policy without pulling the data first.";

/** Larger ones are no list of instructions. */
const MAX_BYTES = 4 * 1024 * 1024;

type Stored = Parameters<typeof saveArtifacts>[2][number];

/** Files of a version of a file repository, all of which are here; the lock on its repository. */
async function checkContext(
  { ctx, caller }: Call,
  version: string,
  containerfile: unknown,
): Promise<string> {
  const { rows } = await sql<{
    id: string;
    type: string;
    absent: boolean;
    found: boolean;
  }>`
    select r.id, r.type,
      exists (select from membership m
        join content_artifact f on f.domain = m.domain and f.content = m.content
        where m.repository = v.repository and m.added <= v.number and m.removed > v.number
          and f.artifact is null) as absent,
      exists (select from membership m
        join content_artifact f on f.domain = m.domain and f.content = m.content
        where m.repository = v.repository and m.added <= v.number and m.removed > v.number
          and f.relative_path = ${containerfile ?? null}) as found
    from repository_version v join repository r on r.num = v.repository
    where v.domain = ${caller.domain.num} and v.id = ${version}`.execute(ctx.db);
  const [row] = rows;
  if (row?.type !== "file.file")
    throw fieldError("build_context", "Invalid hyperlink - Incorrect URL match.");
  if (row.absent) throw objectError(NOT_HERE);
  if (containerfile && !row.found) {
    throw objectError(
      `Could not find the Containerfile "${containerfile}" in the build_context provided`,
    );
  }
  return prn(ctx.plugins.entity("repository", row.type).model, row.id);
}

/** The file that came along, stored; the task finds it by its artifact. */
async function storeFile({ ctx, caller }: Call, file: unknown): Promise<string | undefined> {
  if (!file) return undefined;
  const stored = file as Stored;
  if (stored.sealed.sizeBytes > MAX_BYTES)
    throw fieldError("containerfile", `The file is larger than ${MAX_BYTES} bytes.`);
  const [artifact] = await saveArtifacts(ctx, caller.domain, [stored]);
  return artifact?.id;
}

/** `build_image` (plugin-container §4.6). */
export const buildAction: Action = {
  name: "build_image",
  method: "POST",
  on: "object",
  answers: { 202: "AsyncOperationResponse" },
  body: {
    schema: "OCIBuildImage",
    hasFile: true,
    fields: {
      containerfile_name: { ...text(), blank: true },
      containerfile: { schema: { type: "string", format: "binary" } },
      tag: text({
        default: "latest",
        check: (value: string) => {
          if (!isTag(value)) throw new FieldProblem("The provided tag is not valid.");
          return value;
        },
      }),
      build_context: relation("build_context", { to: "repository_version" }, { nullable: true }),
    },
  },
  async run(call, values, row) {
    const { containerfile: file, build_context: context } = values;
    const containerfileName = values.containerfile_name || undefined;
    if (Boolean(file) === Boolean(containerfileName)) throw objectError(ONE);
    if (containerfileName && !context) throw objectError(NO_CONTEXT);
    const shared = context ? [await checkContext(call, String(context), containerfileName)] : [];
    const containerfile = await storeFile(call, file);
    const input = {
      tag: values.tag ?? "latest",
      ...(containerfile ? { containerfile } : {}),
      ...(containerfileName ? { containerfileName } : {}),
      ...(context ? { context } : {}),
    };
    return dispatchFor(call, row, { task: buildImage, input, shared });
  },
};

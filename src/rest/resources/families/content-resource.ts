import { sql } from "kysely";
import { fieldError, objectError, ValidationError } from "#base/errors.ts";
import type { Labels } from "#base/labels.ts";
import { prn } from "#base/prn.ts";
import { type ReceivedFile, saveArtifact } from "#core/artifacts/commands.ts";
import { saveUnits } from "#core/content/commands.ts";
import type { UnitInput } from "#core/content/types.ts";
import type { DetailRow, Job } from "#core/plugin-contract.ts";
import type { RemoteColumns } from "#core/remotes/types.ts";
import { createContent, storeFromUrl } from "#core/sync/create-content.ts";
import { takeUpload } from "#core/uploads/commands.ts";
import type { Run } from "../../kit/call.ts";
import { boolean, file, labels, object, relation, text } from "../../kit/fields.ts";
import type { Filters } from "../../kit/filters/filter.ts";
import {
  type Action,
  type Create,
  defineResource,
  type Fields,
  type Resource,
  type Values,
} from "../../kit/resource.ts";
import { labelActions } from "../label-actions.ts";
import {
  contentFields,
  contentFilters,
  contentOrderings,
  countUnits,
  SINGLE_ARTIFACT,
} from "./content.ts";
import { ofRepositories } from "./visibility.ts";

export interface ContentOptions {
  readonly path: string;
  readonly label: string;
  readonly model: string;
  /** `file.file` */
  readonly type: string;
  readonly title: string;
  /**
   * Joins of the detail table, whose alias is `d`. A left join by its key, although every unit has
   * its row: the planner then leaves it out of pages and counts that look at no detail.
   */
  readonly joins: string;
  /** Keys of the object after those that every unit has. */
  readonly fields: Fields;
  readonly filters: Filters;
  readonly orderings: Readonly<Record<string, string>>;
  /** Keys that a request gives besides the source of the bytes. */
  readonly input: Fields;
  /** Detail row of a unit whose one file is stored. */
  row(run: Run, values: Values, artifact: StoredFile): Promise<DetailRow> | DetailRow;
  relativePath(values: Values): string;
  /** Name of the schema of the synchronous `upload/`; none does not offer it. */
  readonly uploadSchema?: string;
}

export interface StoredFile {
  readonly id: string;
  /** Lower-case hex. */
  readonly sha256: string;
}

const SOURCES = ["artifact", "file", "upload", "file_url"] as const;

/** The keys that name the bytes of a new unit; exactly one is given (core-rest §8.2). */
const sourceFields: Fields = {
  artifact: { ...relation("artifact", { to: "artifact" }) },
  file: file({ writeOnly: true }),
  upload: { ...relation("upload", { to: "upload" }), writeOnly: true },
  file_url: text({ writeOnly: true }),
  downloader_config: object({ writeOnly: true }),
};

/** A kind of content whose units have one file: list, read, create, upload and labels. */
export function contentResource(options: ContentOptions): Resource {
  const { path, label, model, type, title, joins, fields, input, uploadSchema } = options;
  const upload = { pulp_labels: labels, ...input, ...sourceFields };
  const resource: Resource = defineResource({
    path,
    label,
    model,
    title,
    ...(uploadSchema ? { schemas: { upload: uploadSchema } } : {}),
    family: "content",
    key: "uuid",
    source: {
      from: `content e ${joins}`,
      shown: SINGLE_ARTIFACT,
      where: typeCondition(type),
    },
    fields: { ...contentFields, ...fields },
    filters: { ...contentFilters, ...options.filters },
    orderings: { ...contentOrderings, ...options.orderings },
    count: countUnits(type),
    createBody: {
      schema: `${label}.${model}`,
      hasFile: true,
      fields: {
        repository: { ...relation("repository", { to: "repository" }), writeOnly: true },
        overwrite: boolean({ writeOnly: true }),
        ...upload,
      },
    },
    visibility: ofRepositories,
    operations: { list: true, read: true, create: createOperation(options) },
    actions: [
      ...(uploadSchema ? [uploadAction(options, uploadSchema, upload)] : []),
      ...labelActions("content"),
    ],
  });
  return resource;
}

const typeCondition = (type: string): string =>
  `e.type = (select num from content_type where name = '${type}')`;

const createOperation = (options: ContentOptions): Create => ({
  mode: "task",
  isDeferred: true,
  check: async (run, values) => {
    checkOneSource(values);
    await checkRepository(run, options, values);
  },
  prepare: (call, values) => storeFile(call, values),
  locks: (run, values) => ({
    exclusive: [
      ...(values.repository ? [repositoryName(run, options, String(values.repository))] : []),
      ...(values.upload ? [prn("core.Upload", String(values.upload))] : []),
    ],
  }),
  reportsItself: true,
  apply: async (run, values) => {
    const { job, ctx } = run;
    if (!job) throw new Error("Content is made in a task.");
    const artifact = await storedFile(run, values, job);
    const { id } = await createContent(job, {
      type: ctx.plugins.contentType(options.type),
      ...(await unitOf(run, { options, values, artifact })),
      ...(values.repository ? { repository: String(values.repository) } : {}),
      ...(values.overwrite === undefined ? {} : { overwrite: values.overwrite === true }),
    });
    return id;
  },
});

const uploadAction = (options: ContentOptions, schema: string, fields: Fields): Action => ({
  name: "upload",
  method: "POST",
  on: "collection",
  body: { schema, fields, hasFile: true },
  answers: { 201: `${schema}Response` },
  async run(call, values) {
    checkOneSource(values);
    const stored = await storeFile(call, values);
    const artifact = await storedFile(call, stored);
    const type = call.ctx.plugins.contentType(options.type);
    const units = [await unitOf(call, { options, values: stored, artifact })];
    const [unit] = await saveUnits(call.ctx, { domain: call.caller.domain, type, units });
    if (!unit) throw new Error("One unit was given, none came back.");
    return { kind: "object", id: unit.id, status: 201 };
  },
});

function checkOneSource(values: Values): void {
  const given = SOURCES.filter((name) => values[name] !== undefined && values[name] !== null);
  if (given.length !== 1) {
    throw objectError("Exactly one of artifact, file, upload, file_url must be specified.");
  }
  if (values.downloader_config && !values.file_url) {
    throw fieldError("downloader_config", "'downloader_config' may only be used with 'file_url'.");
  }
}

async function checkRepository(
  { ctx }: Run,
  { type }: ContentOptions,
  { repository }: Values,
): Promise<void> {
  if (!repository) return;
  const { rows } = await sql<{
    type: string;
  }>`select type from repository where id = ${repository}`.execute(ctx.db);
  const [found] = rows;
  if (!found || !ctx.plugins.repositoryType(found.type).contentTypes.includes(type)) {
    throw new ValidationError({ repository: ["Content is not supported by this repository."] });
  }
}

/** Lock name of a repository that may hold the type; `checkRepository` has seen that it fits. */
function repositoryName({ ctx }: Run, { type }: ContentOptions, id: string): string {
  const types = ctx.plugins.entities("repository");
  const holder = types.find((one) =>
    ctx.plugins.repositoryType(one.type).contentTypes.includes(type),
  );
  return prn(holder?.model ?? "core.Repository", id);
}

/** An uploaded file is stored before the answer: the task finds it by its artifact. */
async function storeFile(
  { ctx, caller }: Run,
  { file: received, ...values }: Values,
): Promise<Values> {
  if (!received) return values;
  const { id } = await saveArtifact(ctx, caller.domain, received as ReceivedFile);
  return { ...values, artifact: id };
}

interface UnitSource {
  readonly options: ContentOptions;
  readonly values: Values;
  readonly artifact: StoredFile;
}

async function unitOf(run: Run, { options, values, artifact }: UnitSource): Promise<UnitInput> {
  return {
    row: await options.row(run, values, artifact),
    ...(values.pulp_labels ? { labels: values.pulp_labels as Labels } : {}),
    files: [{ relativePath: options.relativePath(values), artifact: artifact.id }],
  };
}

/** The artifact that the request names, made from an upload or a download where it must be. */
async function storedFile(run: Run, values: Values, job?: Job): Promise<StoredFile> {
  const { ctx, caller } = run;
  if (values.upload) {
    const signal = job?.signal ?? new AbortController().signal;
    return takeUpload(ctx, caller.domain, String(values.upload), { signal });
  }
  const id = values.file_url ? await fromUrl(values, job) : values.artifact;
  const { rows } = await sql<StoredFile>`
    select id, encode(sha256, 'hex') as sha256 from artifact
    where domain = ${caller.domain.num} and id = ${id}`.execute(ctx.db);
  const [found] = rows;
  if (!found) throw fieldError("artifact", "Invalid hyperlink - Object does not exist.");
  return found;
}

async function fromUrl(
  { file_url: url, downloader_config: config }: Values,
  job?: Job,
): Promise<string> {
  const text_ = String(url);
  if (!URL.canParse(text_) || !/^https?:/i.test(text_))
    throw fieldError("file_url", "Enter a valid URL.");
  if (!job)
    throw fieldError("file_url", "A file is only downloaded in a task; use the create operation.");
  return storeFromUrl(job, text_, (config ?? {}) as RemoteColumns);
}

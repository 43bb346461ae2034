import { sql } from "kysely";
import { fieldError, objectError, ValidationError } from "#base/errors.ts";
import type { Labels } from "#base/labels.ts";
import { prn } from "#base/prn.ts";
import { type ReceivedFile, saveArtifact } from "#core/artifacts/commands.ts";
import type { UnitFile } from "#core/content/types.ts";
import type { DetailRow, Job } from "#core/plugin-contract.ts";
import type { RemoteColumns } from "#core/remotes/types.ts";
import { pushes } from "#core/repositories/push.ts";
import {
  type Companion,
  type ContentCreation,
  createContent,
  saveWithCompanions,
  storeFromUrl,
} from "#core/sync/create-content.ts";
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
import type { Visibility } from "../../kit/visibility.ts";
import { labelActions } from "../label-actions.ts";
import {
  contentFields,
  contentFilters,
  contentOrderings,
  countUnits,
  SINGLE_ARTIFACT,
} from "./content.ts";
import { ofRepositories } from "./visibility.ts";

interface CommonOptions {
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
  /** On top of those that all content has; null orders by the key alone. */
  readonly orderings: Readonly<Record<string, string>> | null;
  /** Keys that a request gives besides the source of the bytes. */
  readonly input?: Fields;
  /** Keys that only the create operation takes. */
  readonly createInput?: Fields;
  /** Where the bytes may come from; by default every source. */
  readonly sources?: readonly ContentSource[];
  /** SQL that tells the one of a unit's files (`ca`) that its object shows; without it all are it. */
  readonly mainFile?: string;
  /** Shorter answer when `?minimal=true`. */
  readonly minimal?: Resource["minimal"];
  /** Created resources begin with the version instead of the unit. */
  readonly isVersionFirst?: boolean;
  /** Which units somebody sees; by default those of the repositories that show. */
  readonly visibility?: Visibility;
  /** Name of the schema of the synchronous `upload/`; none does not offer it. */
  readonly uploadSchema?: string;
  /** Schema of its answer where that is not the one of the upload. */
  readonly uploadAnswer?: string;
}

/** A unit that is its one file at a path. */
interface OneFileOptions {
  /** Detail row of a unit whose one file is stored. */
  row(run: Run, values: Values, artifact: StoredFile): Promise<DetailRow> | DetailRow;
  relativePath(values: Values): string;
}

/** A unit that is made from a file, with whatever files it has then. */
interface ComposedOptions {
  /** @throws `ValidationError` if no unit can be made of it. */
  compose(run: Run, values: Values, artifact: StoredFile): Promise<ComposedUnit>;
}

/** Units that no request makes: they are read only. */
interface ReadOnlyOptions {
  readonly isReadOnly: true;
  /** Requests mark them all the same. */
  readonly isLabelled?: true;
}

type MadeOptions = CommonOptions & (OneFileOptions | ComposedOptions);
export type ContentOptions = MadeOptions | (CommonOptions & ReadOnlyOptions);

export interface ComposedUnit {
  readonly row: DetailRow;
  readonly files: readonly UnitFile[];
  readonly companions?: readonly (Companion & {
    /** Key of the answer of `upload/` that tells its PRN. */
    readonly key?: string;
  })[];
}

export interface StoredFile {
  /** `artifact.id` */
  readonly id: string;
  /** Lower-case hex. */
  readonly sha256: string;
  /** What the sender of an `upload/` calls it. */
  readonly filename?: string;
  readonly sizeBytes?: number;
}

const SOURCES = ["artifact", "file", "upload", "file_url"] as const;
type ContentSource = (typeof SOURCES)[number];

/** The keys that name the bytes of a new unit; exactly one is given (core-rest §8.2). */
const sourceFields: Fields = {
  artifact: { ...relation("artifact", { to: "artifact" }) },
  file: file({ writeOnly: true }),
  upload: { ...relation("upload", { to: "upload" }), writeOnly: true },
  file_url: text({ writeOnly: true }),
  downloader_config: object({ writeOnly: true }),
};

const sourcesOf = ({ sources = SOURCES }: MadeOptions): Fields => {
  const names: readonly string[] = [...sources, "downloader_config"];
  return Object.fromEntries(Object.entries(sourceFields).filter(([name]) => names.includes(name)));
};

/** Joins the file that the object shows. */
const fileJoin = (condition: string | undefined): string =>
  condition === undefined
    ? SINGLE_ARTIFACT
    : SINGLE_ARTIFACT.replace("ca.content = e.id", `ca.content = e.id and ${condition}`);

/** A kind of content whose units are made from a file: list, read, create, upload and labels. */
export function contentResource(options: ContentOptions): Resource {
  const { path, label, model, type, title, joins, fields, uploadSchema } = options;
  return defineResource({
    path,
    label,
    model,
    title,
    ...(uploadSchema ? { schemas: { upload: uploadSchema } } : {}),
    family: "content",
    key: "uuid",
    source: {
      from: `content e ${joins}`,
      shown: fileJoin(options.mainFile),
      where: typeCondition(type),
    },
    fields: { ...contentFields, ...fields },
    filters: { ...contentFilters, ...options.filters },
    orderings: options.orderings === null ? {} : { ...contentOrderings, ...options.orderings },
    count: countUnits(type),
    ...(options.minimal ? { minimal: options.minimal } : {}),
    visibility: options.visibility ?? ofRepositories,
    ...("isReadOnly" in options ? readingOf(options) : makingOf(options)),
  });
}

const readingOf = ({ isLabelled }: ReadOnlyOptions): Pick<Resource, "operations" | "actions"> => ({
  operations: { list: true, read: true },
  actions: isLabelled ? labelActions("content", { isDescribedAs200: true }) : [],
});

/** How requests make units, and mark them. */
function makingOf(options: MadeOptions): Pick<Resource, "createBody" | "operations" | "actions"> {
  const { label, model, input, uploadSchema } = options;
  const upload = { pulp_labels: labels, ...input, ...sourcesOf(options) };
  return {
    createBody: {
      schema: `${label}.${model}`,
      hasFile: true,
      fields: {
        repository: { ...relation("repository", { to: "repository" }), writeOnly: true },
        overwrite: boolean({ writeOnly: true }),
        ...upload,
        ...options.createInput,
      },
    },
    operations: { list: true, read: true, create: createOperation(options) },
    actions: [
      ...(uploadSchema ? [uploadAction(options, uploadSchema, upload)] : []),
      ...labelActions("content"),
    ],
  };
}

const typeCondition = (type: string): string =>
  `e.type = (select num from content_type where name = '${type}')`;

const createOperation = (options: MadeOptions): Create => ({
  mode: "task",
  isDeferred: true,
  check: async (run, values) => {
    checkOneSource(options, values);
    await checkRepository(run, options, values);
    await checkPush(run, values);
  },
  prepare: async (call, values) => (await storeFile(call, values)).values,
  locks: (run, values) => ({
    exclusive: [
      ...(values.repository ? [repositoryName(run, options, String(values.repository))] : []),
      ...(values.upload ? [prn("core.Upload", String(values.upload))] : []),
    ],
  }),
  reportsItself: true,
  apply: async (run, values) => {
    const { job } = run;
    if (!job) throw new Error("Content is made in a task.");
    const artifact = await storedFile(run, values, job);
    const content = {
      ...(await contentOf(run, { options, values, artifact })),
      ...(options.isVersionFirst ? { isVersionFirst: true } : {}),
    };
    if (!values.repository) return (await createContent(job, content)).id;
    const repository = String(values.repository);
    const overwrite = await pushedOver(job, { repository, values, artifact });
    const made = await createContent(job, { ...content, repository, ...overwrite });
    await pushes.finish(job, repository, made.version);
    return made.id;
  },
});

const uploadAction = (options: MadeOptions, schema: string, fields: Fields): Action => ({
  name: "upload",
  method: "POST",
  on: "collection",
  body: { schema, fields, hasFile: true },
  answers: { 201: options.uploadAnswer ?? `${schema}Response` },
  async run(call, values) {
    checkOneSource(options, values);
    const { values: stored, filename } = await storeFile(call, values);
    const file = await storedFile(call, stored);
    const artifact = filename === undefined ? file : { ...file, filename };
    const content = await contentOf(call, { options, values: stored, artifact });
    const [unit, ...others] = await saveWithCompanions(call, content);
    const told = others.flatMap(({ type, id }, index) => {
      const key = content.companions?.[index]?.key;
      return key === undefined ? [] : [[key, prn(type.model, id)] as const];
    });
    return { kind: "object", id: unit.id, status: 201, told: Object.fromEntries(told) };
  },
});

function checkOneSource({ sources = SOURCES }: MadeOptions, values: Values): void {
  const given = sources.filter((name) => values[name] !== undefined && values[name] !== null);
  if (given.length !== 1) {
    throw objectError(`Exactly one of ${sources.join(", ")} must be specified.`);
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

/** Who may push, and how much, is told before a task begins, as far as it is known. */
async function checkPush(run: Run, values: Values): Promise<void> {
  if (!values.repository) return;
  const { ctx, caller } = run;
  const terms = await pushes.admit(ctx, { caller, repository: String(values.repository) });
  const { file: received, artifact, upload, attestations } = values;
  if (received) pushes.checkSize(terms, (received as ReceivedFile).sealed.sizeBytes);
  else if (artifact || upload) pushes.checkSize(terms, await storedSize(run, { artifact, upload }));
  if (terms.needsAttestation && !attestations) {
    throw fieldError("attestations", "This repository takes attested packages only.");
  }
}

async function storedSize({ ctx, caller }: Run, { artifact, upload }: Values): Promise<number> {
  const { num } = caller.domain;
  const { rows } = await sql<{ size: number }>`
    select size from artifact where domain = ${num} and id = ${artifact ?? null}
    union all select size from upload where id = ${upload ?? null}`.execute(ctx.db);
  return rows[0]?.size ?? 0;
}

interface Pushed {
  readonly repository: string;
  readonly values: Values;
  readonly artifact: StoredFile;
}

/**
 * What a task that pushes does with units of the same slot; a file that had to be fetched is measured.
 *
 * @throws `pushErrors.tooLarge`
 */
async function pushedOver(
  { ctx, caller }: Job,
  { repository, values, artifact }: Pushed,
): Promise<{ readonly overwrite?: boolean }> {
  const terms = await pushes.termsOf(ctx, { caller, repository });
  pushes.checkSize(terms, artifact.sizeBytes ?? 0);
  if (terms.mayOverwrite === false) return { overwrite: false };
  return values.overwrite === undefined ? {} : { overwrite: values.overwrite === true };
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
): Promise<{ readonly values: Values; readonly filename?: string }> {
  if (!received) return { values };
  const file = received as ReceivedFile;
  const { id } = await saveArtifact(ctx, caller.domain, file);
  const { filename } = file;
  return { values: { ...values, artifact: id }, ...(filename === undefined ? {} : { filename }) };
}

interface UnitSource {
  readonly options: MadeOptions;
  readonly values: Values;
  readonly artifact: StoredFile;
}

async function contentOf(
  run: Run,
  { options, values, artifact }: UnitSource,
): Promise<ContentCreation & ComposedUnit> {
  const unit =
    "compose" in options
      ? await options.compose(run, values, artifact)
      : {
          row: await options.row(run, values, artifact),
          files: [{ relativePath: options.relativePath(values), artifact: artifact.id }],
        };
  return {
    type: run.ctx.plugins.contentType(options.type),
    ...unit,
    ...(values.pulp_labels ? { labels: values.pulp_labels as Labels } : {}),
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
    select id, encode(sha256, 'hex') as sha256, size as "sizeBytes" from artifact
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

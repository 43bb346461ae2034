import type { Labels } from "#base/labels.ts";
import { uuid7 } from "#base/uuid7.ts";
import { saveArtifacts } from "../artifacts/commands.ts";
import { saveUnits } from "../content/commands.ts";
import type { UnitFile, UnitInput } from "../content/types.ts";
import type { ContentType, DetailRow, Job, VersionRef } from "../plugin-contract.ts";
import { downloadFile, openSession } from "../remotes/commands.ts";
import type { RemoteColumns } from "../remotes/types.ts";
import { createVersion } from "../repositories/commands.ts";

/** A unit that a user makes from a file that is stored. */
export interface ContentCreation {
  readonly type: ContentType;
  readonly row: DetailRow;
  readonly labels?: Labels;
  readonly files: readonly UnitFile[];
  /** `repository.id`: the unit joins its next version. */
  readonly repository?: string;
  /** False refuses to replace a different unit of the same slot. Default true. */
  readonly overwrite?: boolean;
  /** Units about this one, which are made after it and go with it into the repository. */
  readonly companions?: readonly Companion[];
  /** Created resources begin with the version instead of the unit. */
  readonly isVersionFirst?: boolean;
}

/** A unit that says something about another one, which it names by its id. */
export interface Companion {
  /** Name of its content type. */
  readonly type: string;
  unit(id: string): UnitInput;
}

export interface CreatedContent {
  /** `content.id` */
  readonly id: string;
  readonly version: VersionRef | undefined;
}

/**
 * Saves the unit, or finds the identical one, and adds it to a repository if one is named. Both
 * become created resources, the unit first unless the input says otherwise (core-content §9.3).
 */
export async function createContent(job: Job, input: ContentCreation): Promise<CreatedContent> {
  const { repository, isVersionFirst = false } = input;
  const saved = await saveWithCompanions(job, input);
  const [unit] = saved;
  const report = async (): Promise<void> => {
    for (const { type, id } of saved)
      await job.created({ model: type.model, object: id, path: `${type.path}/${id}/` });
  };
  if (!isVersionFirst) await report();
  const version = repository === undefined ? undefined : await join(job, repository, input, saved);
  if (isVersionFirst) await report();
  return { id: unit.id, version };
}

/** A unit that is saved. */
export interface Saved {
  readonly type: ContentType;
  /** `content.id` */
  readonly id: string;
}

/** Saves the unit and those about it; the unit comes first. */
export async function saveWithCompanions(
  { ctx, caller: { domain } }: Pick<Job, "ctx" | "caller">,
  { type, row, labels, files, companions = [] }: ContentCreation,
): Promise<readonly [Saved, ...Saved[]]> {
  const save = async (one: ContentType, unit: UnitInput): Promise<Saved> => {
    const [saved] = await saveUnits(ctx, { domain, type: one, units: [unit] });
    if (saved === undefined) throw new Error("Saving a unit gave none.");
    return { type: one, id: saved.id };
  };
  const unit = await save(type, { row, files, ...(labels ? { labels } : {}) });
  const others: Saved[] = [];
  for (const companion of companions)
    others.push(await save(ctx.plugins.contentType(companion.type), companion.unit(unit.id)));
  return [unit, ...others];
}

function join(
  job: Job,
  repository: string,
  { overwrite }: ContentCreation,
  saved: readonly Saved[],
): Promise<VersionRef | undefined> {
  const add = saved.map(({ id }) => id);
  const edit = { add, remove: [], ...(overwrite === undefined ? {} : { overwrite }) };
  return createVersion(job, repository, edit);
}

/**
 * Stores the file of a `file_url`. Credentials in the address are taken out and used.
 *
 * @param config `downloader_config`: network columns of a remote.
 * @returns `artifact.id`
 */
export async function storeFromUrl(
  job: Job,
  url: string,
  config: RemoteColumns = {},
): Promise<string> {
  const { ctx, caller, signal } = job;
  const { address, credentials } = splitCredentials(url);
  const remote = {
    ...config,
    ...credentials,
    id: uuid7(),
    url: address,
    policy: "immediate",
  } as const;
  await using session = openSession(ctx, remote);
  const wanted = { url: address };
  const download = await downloadFile(ctx, {
    domain: caller.domain,
    remote: session,
    wanted,
    signal,
  });
  await using _file = download.file;
  const [saved] = await saveArtifacts(ctx, caller.domain, [download]);
  if (saved === undefined) throw new Error("Saving a download gave no artifact.");
  return saved.id;
}

/** `http://user:pw@host/x` → `http://host/x` and its credentials. */
function splitCredentials(text: string): {
  readonly address: string;
  readonly credentials: Pick<RemoteColumns, "username" | "password">;
} {
  if (!URL.canParse(text)) return { address: text, credentials: {} };
  const url = new URL(text);
  if (url.username === "" && url.password === "") return { address: text, credentials: {} };
  const username = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  url.username = "";
  url.password = "";
  return { address: url.href, credentials: { username, password } };
}

import type { Labels } from "#base/labels.ts";
import { uuid7 } from "#base/uuid7.ts";
import { saveArtifacts } from "../artifacts/commands.ts";
import { saveUnits } from "../content/commands.ts";
import type { UnitFile } from "../content/types.ts";
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
}

export interface CreatedContent {
  /** `content.id` */
  readonly id: string;
  readonly version: VersionRef | undefined;
}

/**
 * Saves the unit, or finds the identical one, and adds it to a repository if one is named. Both
 * become created resources, the unit first (core-content §9.3).
 */
export async function createContent(job: Job, input: ContentCreation): Promise<CreatedContent> {
  const { type, row, labels, files, repository, overwrite } = input;
  const unit = { row, files, ...(labels ? { labels } : {}) };
  const [saved] = await saveUnits(job.ctx, { domain: job.caller.domain, type, units: [unit] });
  if (saved === undefined) throw new Error("Saving a unit gave none.");
  const { id } = saved;
  await job.created({ model: type.model, object: id, path: `${type.path}/${id}/` });
  if (repository === undefined) return { id, version: undefined };
  const edit = { add: [id], remove: [], ...(overwrite === undefined ? {} : { overwrite }) };
  return { id, version: await createVersion(job, repository, edit) };
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

import { setTimeout as sleep } from "node:timers/promises";
import { fieldError } from "#base/errors.ts";
import type { JsonObject } from "#base/json.ts";
import { prn } from "#base/prn.ts";
import { type Call, dispatch, pushes, saveUnits, type Values } from "#sdk";
import { pythonPackage, pythonProvenance } from "../content.ts";
import { parseFilename } from "../format/filename.ts";
import { normalizeName } from "../format/names.ts";
import { readNew, readPerhapsKnown, storeNew } from "../ingest.ts";
import { attestedProvenance, provenanceRow } from "../provenance.ts";
import { type ProjectCheck, publisherCheck } from "../publishing/allowed.ts";
import { pythonRepository } from "../repository.ts";
import { pythonSettingsOf } from "../settings.ts";
import { addAtOnce } from "./add-at-once.ts";
import type { IndexPlace } from "./place.ts";
import { refuse } from "./refuse.ts";
import { isOnShelves } from "./shelf-members.ts";
import { readUpload, type UploadForm } from "./upload-form.ts";
import { beginSession, extendSession, type UploadedUnits } from "./upload-sessions.ts";
import { addUpload, addUploadGroup } from "./upload-tasks.ts";

/** What an upload needs to know of its request. */
interface Visit {
  readonly place: IndexPlace;
  values(): Promise<Values>;
}

/** `legacy/` and `simple/`: takes a file into the repository of an index (plugin-python §6.5). */
export async function upload(call: Call, { place, values }: Visit) {
  const { repository } = place;
  if (!place.takesUploads) return refuse(call, 403, "Index is not allowing uploads");
  if (place.members && repository === null) {
    return refuse(call, 403, "No member of this index takes uploads");
  }
  if (repository === null) return refuse(call, 400, "Index is not pointing to a repository");
  const { ctx, caller } = call;
  const terms = await pushes.admit(ctx, { caller, repository });
  pushes.checkSize(terms, Number(call.request.headers["content-length"] ?? 0) - FORM_BYTES);
  const form = await readUpload(await values());
  pushes.checkSize(terms, form.file.sealed.sizeBytes);
  if (terms.needsAttestation && !form.attestations) {
    throw fieldError("attestations", "This repository takes attested packages only.");
  }
  const check = await publisherCheck(call, repository);
  const barred = check(projectOf(form.filename));
  if (barred !== undefined) return refuse(call, 403, barred);
  const isThere = await isListed(call, place, form.filename);
  // In a group it may be the file of another member, which stays.
  if (isThere && (place.members || terms.mayOverwrite !== true)) {
    return refuse(call, 400, `Package ${form.filename} already exists in index`);
  }
  const isGrouped = pythonSettingsOf(ctx).PYTHON_GROUP_UPLOADS && !isThere;
  const admitted = { repository, form, check };
  const isPlain = !isThere && !isGrouped && !form.attestations && pushes.areOpen(terms);
  const added = isPlain ? await addPlain(call, admitted) : undefined;
  return added ?? addByTask(call, admitted, { overwrite: isThere, isGrouped });
}

/** What a form may have beside its file. */
const FORM_BYTES = 1_048_576;

/** What a file is called after, as names are compared; the rest of it is checked when it is read. */
const projectOf = (filename: string): string =>
  normalizeName(parseFilename(filename)?.name ?? filename);

/** Whether the index, or a member of it, has a file of that name. */
async function isListed(
  { ctx }: Call,
  { object: { domain }, version, members }: IndexPlace,
  filename: string,
): Promise<boolean> {
  const versions = members?.map((one) => one.version) ?? [version];
  return isOnShelves(ctx, { domain, versions }, filename);
}

/** An upload that nothing speaks against so far. */
interface Admitted {
  readonly repository: string;
  readonly form: UploadForm;
  readonly check: ProjectCheck;
}

/** @returns undefined where a task has to find out what is the matter. */
async function addPlain(call: Call, { repository, form, check }: Admitted) {
  const told = await readNew(form);
  // Pages list a file under the name that it says itself.
  const barred = check(normalizeName(told.row.name));
  if (barred !== undefined) return refuse(call, 403, barred);
  const { ctx, caller } = call;
  const task = await addAtOnce(ctx, { caller, repository, told });
  return task === undefined ? undefined : afterwards(call, task);
}

interface How {
  /** A file of that name gives way. */
  readonly overwrite: boolean;
  /** It is added with others of its session. */
  readonly isGrouped: boolean;
}

async function addByTask(
  call: Call,
  { repository, form, check }: Admitted,
  { overwrite, isGrouped }: How,
) {
  const { ctx, caller } = call;
  const stored = await storeUpload(call, form, check);
  if ("barred" in stored) return refuse(call, 403, stored.barred);
  if (isGrouped) return addToGroup(call, { repository, units: stored });
  const { id } = await dispatch(ctx, {
    task: addUpload,
    input: { repository, ...stored, overwrite },
    caller,
    // Uploads add side by side; whatever else changes the repository waits for them.
    shared: [prn(pythonRepository.model, repository)],
  });
  return afterwards(call, id);
}

/** The file becomes an artifact and a unit; what is wrong with it is told before a task begins. */
async function storeUpload(
  { ctx, caller }: Call,
  form: UploadForm,
  check: ProjectCheck,
): Promise<UploadedUnits | { readonly barred: string }> {
  const { domain } = caller;
  const provenance = await provenanceOf({ ctx, caller }, form);
  const told = await readPerhapsKnown(ctx, domain, form);
  const barred = check(normalizeName(told.row.name));
  if (barred !== undefined) return { barred };
  const unit = await storeNew(ctx, domain, told);
  const [saved] = await saveUnits(ctx, { domain, type: pythonPackage, units: [unit] });
  if (!saved) throw new Error("The unit of an uploaded file was not saved.");
  if (!provenance) return { package: saved.id, provenance: null };
  const attested = [{ row: provenanceRow(saved.id, provenance), files: [] }];
  const [made] = await saveUnits(ctx, { domain, type: pythonProvenance, units: attested });
  if (!made) throw new Error("The provenance of an uploaded file was not saved.");
  return { package: saved.id, provenance: made.id };
}

/** @throws `ValidationError` if what is attested is malformed, or not about the file. */
async function provenanceOf({ ctx, caller }: Pick<Call, "ctx" | "caller">, form: UploadForm) {
  if (!form.attestations) return undefined;
  return attestedProvenance(ctx, caller, {
    value: form.attestations,
    subject: { filename: form.filename, sha256: form.file.sealed.digests.sha256 },
    invalid: "The uploaded attestations are not valid",
  });
}

const COOKIE = "python_upload_session";

/** Uploads of one session become one version (plugin-python §6.5.3). */
async function addToGroup(
  call: Call,
  of: { readonly repository: string; readonly units: UploadedUnits },
) {
  const { ctx, caller, request, reply } = call;
  const [, known = ""] =
    new RegExp(`(?:^|;\\s*)${COOKIE}=([0-9a-f]{32})(?:;|$)`).exec(request.headers.cookie ?? "") ??
    [];
  const more = known === "" ? undefined : await extendSession(ctx.db, known, of);
  if (more) {
    const body: JsonObject = { session: more.id, task: "updated", task_start_time: more.start };
    return { kind: "json", status: 200, body } as const;
  }
  const session = await beginSession(ctx.db, { ...of, domain: caller.domain.num });
  reply.header("set-cookie", `${COOKIE}=${session.id}; Path=/; HttpOnly; SameSite=Strict`);
  const { repository } = of;
  const { id } = await dispatch(ctx, {
    task: addUploadGroup,
    input: { repository, session: session.id },
    caller,
    shared: [prn(pythonRepository.model, repository)],
  });
  const told = { session: session.id, task_start_time: session.start };
  return { kind: "task", task: id, status: 200, told } as const;
}

/** Longest time that a client may ask to wait for. */
const MOST_WAIT_S = 60;
const LOOK_MS = 250;

/** With `?wait=<seconds>` the answer says how the task ended, if it has by then (§6.5.4). */
async function afterwards(call: Call, task: string) {
  const asked = Number(call.query.get("wait") ?? 0);
  const end = call.ctx.clock.now() + Math.min(asked || 0, MOST_WAIT_S) * 1000;
  while (asked > 0) {
    const { state, error } = await stateOf(call, task);
    if (state === "completed") return { kind: "task", task, status: 201 } as const;
    if (state === "failed" || state === "canceled") {
      return { kind: "task", task, status: 400, told: { detail: error ?? state } } as const;
    }
    if (call.ctx.clock.now() >= end) break;
    await sleep(LOOK_MS, undefined, { signal: call.signal });
  }
  return { kind: "task", task } as const;
}

async function stateOf({ ctx }: Call, task: string) {
  const { state, error } = await ctx.db
    .selectFrom("task")
    .select(["state", "error"])
    .where("id", "=", task)
    .executeTakeFirstOrThrow();
  return { state, error: error?.description };
}

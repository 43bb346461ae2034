import { isUuid } from "#base/uuid7.ts";
import { type Digest, parseDigest } from "../../format/names.ts";
import { sendEmpty } from "../answers.ts";
import { registryErrors } from "../errors.ts";
import { type Registry, type RepositoryVisit, recordChange } from "../registry.ts";
import { pushTarget, type Target } from "../target.ts";
import { queryOf } from "../visit.ts";
import { announcedLength, ClientLeft, checkSize, readBody } from "./body.ts";
import { chunkRange } from "./chunk-range.ts";
import { finishUpload, receiveWhole } from "./finish.ts";
import { mountBlob } from "./mount.ts";
import { endUpload, uploadState } from "./session-rows.ts";
import type { Writing } from "./sessions.ts";

interface Named {
  readonly id: string;
}

const uploadPath = ({ prefix, name }: RepositoryVisit, id: string): string =>
  `${prefix}v2/${name.full}/blobs/uploads/${id}`;

/** Where an upload goes on, and what it has; with nothing it is `0-0`, as clients know it. */
const sessionHeaders = (visit: RepositoryVisit, id: string, sizeBytes: number) => ({
  Location: uploadPath(visit, id),
  Range: `0-${Math.max(0, sizeBytes - 1)}`,
  "Docker-Upload-UUID": id,
});

function requiredDigest(text: string | null): Digest {
  const digest = parseDigest(text ?? "");
  if (digest) return digest;
  throw registryErrors.digestInvalid(text ?? "", "The digest is missing or not valid.");
}

const ownerOf = ({ caller }: RepositoryVisit, { place, repository }: Target) => ({
  ...{ domain: place.domain.num, repository: repository.id },
  owner: caller.user?.id ?? null,
});

/** POST: mounts, takes a whole blob, or opens a session. */
export async function beginUpload(registry: Registry, visit: RepositoryVisit): Promise<void> {
  const query = queryOf(visit);
  const [mount, digest] = [query.get("mount"), query.get("digest")];
  const length = announcedLength(visit.exchange.request.headers);
  const whole = digest !== null && length !== 0 ? requiredDigest(digest) : undefined;
  const target = await pushTarget(registry, visit, { mayCreate: true });
  if (mount !== null) {
    const asked = { digest: mount, from: query.get("from") };
    if (await mountBlob(registry, visit, { target, ...asked })) {
      const change = { operation: "registry_blob_push", status: 201, place: target.place };
      await recordChange(registry, visit, change);
      return sendStored(visit, mount);
    }
  }
  if (whole) {
    await receiveWhole(registry, visit, { target, digest: whole });
    return sendStored(visit, textOf(whole));
  }
  const id = registry.sessions.begin(ownerOf(visit, target));
  sendEmpty(visit, 202, sessionHeaders(visit, id, 0));
}

const textOf = ({ algorithm, hex }: Digest): string => `${algorithm}:${hex}`;

function sendStored(visit: RepositoryVisit, digest: string): void {
  sendEmpty(visit, 201, {
    Location: `${visit.prefix}v2/${visit.name.full}/blobs/${digest}`,
    "Docker-Content-Digest": digest,
  });
}

/** The upload of a request, if there is one; it is this request's until it is disposed. */
async function takeOf(
  registry: Registry,
  visit: RepositoryVisit,
  { id }: Named,
  options = { bringsAll: false },
) {
  const { target, key } = await sessionOf(registry, visit, id);
  const writing = await registry.sessions.take(target.place.domain, key, options);
  if (writing) return { target, key, writing };
  const state = await uploadState(registry.ctx, key);
  if (state === undefined || state === "over") throw registryErrors.uploadUnknown(id);
  throw registryErrors.outOfOrder(sessionHeaders(visit, id, state.sizeBytes));
}

async function sessionOf(registry: Registry, visit: RepositoryVisit, id: string) {
  const target = await pushTarget(registry, visit, { mayCreate: false }).catch((error) => {
    throw registryErrors.nameUnknown(visit.name.full).status === error?.status
      ? registryErrors.uploadUnknown(id)
      : error;
  });
  if (!isUuid(id)) throw registryErrors.uploadUnknown(id);
  return { target, key: { id, ...ownerOf(visit, target) } };
}

/** GET and HEAD: how far it is. */
export async function uploadStatus(
  registry: Registry,
  visit: RepositoryVisit,
  route: Named,
): Promise<void> {
  const { key } = await sessionOf(registry, visit, route.id);
  const size = await registry.sessions.sizeOf(key);
  if (size === undefined) throw registryErrors.uploadUnknown(route.id);
  sendEmpty(visit, 204, sessionHeaders(visit, route.id, size));
}

/** PATCH: appends a chunk, or a stream of unknown length. */
export async function appendToUpload(
  registry: Registry,
  visit: RepositoryVisit,
  route: Named,
): Promise<void> {
  const { target, writing } = await takeOf(registry, visit, route);
  await using _turn = writing;
  await append(visit, writing, target);
  if (!(await writing.acknowledge())) throw registryErrors.uploadUnknown(route.id);
  sendEmpty(visit, 202, sessionHeaders(visit, route.id, writing.sizeBytes));
}

/**
 * Appends the body; of one that is cut off, what has come is acknowledged, for the client to go on
 * from there.
 */
async function append(visit: RepositoryVisit, writing: Writing, { terms }: Target): Promise<void> {
  checkRange(visit, writing);
  const { request } = visit.exchange;
  let sizeBytes = writing.sizeBytes;
  checkSize(terms, sizeBytes + (announcedLength(request.headers) ?? 0));
  const range = chunkRange(request.headers["content-range"]);
  const file = await writing.file();
  try {
    const received = await readBody(request, (bytes) => {
      sizeBytes += bytes.length;
      checkSize(terms, sizeBytes);
      return file.append(bytes);
    });
    if (range && received !== range.length) throw sizeMismatch();
  } catch (error) {
    if (error instanceof ClientLeft) await writing.acknowledge();
    throw error;
  }
}

const sizeMismatch = () =>
  registryErrors.sizeInvalid("The body has another length than Content-Range says.");

/** What the head says is checked before the body is read. */
function checkRange(visit: RepositoryVisit, writing: Writing): void {
  const { headers } = visit.exchange.request;
  const range = chunkRange(headers["content-range"]);
  if (!range) return;
  if (range.start !== writing.sizeBytes) {
    throw registryErrors.outOfOrder(sessionHeaders(visit, writing.id, writing.sizeBytes));
  }
  const length = announcedLength(headers);
  if (length !== undefined && length !== range.length) throw sizeMismatch();
}

/** PUT: the last chunk, if there is one, then the digest decides. */
export async function closeUpload(
  registry: Registry,
  visit: RepositoryVisit,
  route: Named,
): Promise<void> {
  const digest = requiredDigest(queryOf(visit).get("digest"));
  const hasBody = announcedLength(visit.exchange.request.headers) !== 0;
  const range = hasBody ? chunkRange(visit.exchange.request.headers["content-range"]) : undefined;
  const bringsAll = hasBody && (range?.start ?? 0) === 0;
  const { target, key, writing } = await takeOf(registry, visit, route, { bringsAll });
  await using _turn = writing;
  if (hasBody) checkRange(visit, writing);
  if (writing.sizeBytes === 0) {
    // Nothing is there to go on from: one file, written once.
    await receiveWhole(registry, visit, { target, digest, upload: { key, writing } });
  } else {
    if (hasBody) await append(visit, writing, target);
    await finishUpload(registry, visit, { target, digest, key, writing });
  }
  sendStored(visit, textOf(digest));
}

/** DELETE: gives up; a request that writes right now is told when it is done. */
export async function cancelUpload(
  registry: Registry,
  visit: RepositoryVisit,
  route: Named,
): Promise<void> {
  const { key, writing } = await takeOf(registry, visit, route);
  await using _turn = writing;
  if (!(await endUpload(registry.ctx.db, key))) throw registryErrors.uploadUnknown(route.id);
  await writing.end();
  sendEmpty(visit, 204);
}

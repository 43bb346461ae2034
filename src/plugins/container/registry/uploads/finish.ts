import type { Ctx } from "#sdk";
import type { Digest } from "../../format/names.ts";
import { isCleanedUp } from "../cleaned-up.ts";
import { registryErrors } from "../errors.ts";
import { changeEntry, type Registry, type RepositoryVisit } from "../registry.ts";
import type { Target } from "../target.ts";
import { announcedLength, checkSize, readBody } from "./body.ts";
import { keepBlob } from "./keep.ts";
import type { StorableFile } from "./placed-blob.ts";
import { deleteUpload, type UploadKey } from "./session-rows.ts";
import type { Writing } from "./sessions.ts";

/** A session that a whole blob closes. */
interface Closing {
  readonly key: UploadKey;
  readonly writing: Writing;
}

interface Whole {
  readonly target: Target;
  readonly digest: Digest;
  readonly upload?: Closing;
}

/**
 * Takes a blob in one request: hashed while it is written, once.
 *
 * @throws `digestInvalid`, and the session is over; `uploadUnknown` if it was ended meanwhile.
 */
export async function receiveWhole(
  registry: Registry,
  visit: RepositoryVisit,
  { target, digest, upload }: Whole,
): Promise<void> {
  const { ctx } = registry;
  const { domain } = target.place;
  const others = digest.algorithm === "sha512" ? (["sha512"] as const) : [];
  await using file = await ctx.storage(domain).beginFile({
    ...{ algorithms: others, ownsBytes: true, isPlacedOnce: true },
  });
  const { sink } = file;
  const { request } = visit.exchange;
  checkSize(target.terms, announcedLength(request.headers) ?? 0);
  let received = 0;
  await readBody(request, (bytes) => {
    received += bytes.length;
    checkSize(target.terms, received);
    return accepted(sink, bytes);
  });
  const sealed = await (file.hashed?.() ?? file.seal());
  if (sealed.digests[digest.algorithm] !== digest.hex) {
    if (upload) await giveUp(ctx, upload);
    throw registryErrors.digestInvalid(`${digest.algorithm}:${digest.hex}`);
  }
  const kept = { target, digest, file: { file, sealed }, ...(upload ? { upload } : {}) };
  await keep(registry, visit, kept);
}

/** Waits where the sink is full until it has written all; `hashed` tells of what fails meanwhile. */
function accepted(sink: NodeJS.WritableStream, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const takesMore = sink.write(bytes, (error) => (error ? reject(error) : resolve()));
    if (takesMore) resolve();
  });
}

export interface Finish extends Closing {
  readonly target: Target;
  readonly digest: Digest;
}

/** Makes what a session has gathered a blob; throws as `receiveWhole` does. */
export async function finishUpload(
  registry: Registry,
  visit: RepositoryVisit,
  { target, digest, key, writing }: Finish,
): Promise<void> {
  const file = await writing.file();
  const actual = digest.algorithm === "sha256" ? file.sha256 : await file.sha512();
  if (actual !== digest.hex) {
    await giveUp(registry.ctx, { key, writing });
    throw registryErrors.digestInvalid(`${digest.algorithm}:${digest.hex}`);
  }
  const { sizeBytes, digests } = await file.seal();
  const sealed = { sizeBytes, digests: { ...digests, [digest.algorithm]: digest.hex } };
  await keep(registry, visit, { target, digest, file: { file, sealed }, upload: { key, writing } });
}

async function giveUp({ db }: Ctx, { key, writing }: Closing): Promise<void> {
  await deleteUpload(db, key);
  await writing.end();
}

interface Kept extends Whole {
  readonly file: StorableFile;
}

async function keep(
  registry: Registry,
  visit: RepositoryVisit,
  { target, digest, file, upload }: Kept,
): Promise<void> {
  const { place, repository } = target;
  const entry = changeEntry(registry, visit, {
    ...{ operation: "registry_blob_push", status: 201, place },
  });
  const blob = { digest: `${digest.algorithm}:${digest.hex}`, file, entry };
  const to = { domain: place.domain, repository: repository.id };
  try {
    await keepBlob(registry, { ...blob, ...to, ...(upload ? { upload: upload.key } : {}) });
  } catch (error) {
    // The bytes that the session had are gone, so it cannot go on.
    if (upload && isCleanedUp(error)) await giveUp(registry.ctx, upload);
    throw error;
  }
  await upload?.writing.end();
}

import { type Ctx, placement } from "#sdk";
import type { Digest } from "../../format/names.ts";
import { isCleanedUp } from "../cleaned-up.ts";
import { registryErrors } from "../errors.ts";
import { changeEntry, type Registry, type RepositoryVisit } from "../registry.ts";
import type { Target } from "../target.ts";
import { announcedLength, checkSize, readBody } from "./body.ts";
import { keepBlob } from "./keep.ts";
import type { NewBlob, StorableFile } from "./placed-blob.ts";
import { endUpload, type UploadKey } from "./session-rows.ts";
import type { SessionFile, Writing } from "./sessions.ts";

const STEP_BYTES = 262_144;

/** A session that a blob closes. */
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
 * Takes a blob in one request: hashed while it is written, once. Where another process has gone on with
 * the session, its bytes are the last ones.
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
  const { request } = visit.exchange;
  const expectedBytes = announcedLength(request.headers) ?? 0;
  checkSize(target.terms, expectedBytes);
  await using file = await ctx.storage(domain).beginFile({
    ...{ algorithms: others, ownsBytes: true, isPlacedOnce: true, expectedBytes },
  });
  const early =
    digest.algorithm === "sha256" ? placement.announce(ctx, domain, digest.hex) : undefined;
  let received = 0;
  await readBody(request, (bytes) => {
    received += bytes.length;
    checkSize(target.terms, received);
    return file.append(bytes);
  });
  const sealed = await (file.hashed?.() ?? file.seal());
  const kept = { target, digest, file: { file, sealed }, early, ...(upload ? { upload } : {}) };
  if (isRight(kept) && (await keep(registry, visit, kept))) return;
  if (upload && !upload.writing.isTaken) await keepTaken(registry, visit, { ...kept, upload });
  else await refuse(ctx, kept);
}

const isRight = ({ digest, file }: Kept): boolean =>
  file.sealed.digests[digest.algorithm] === digest.hex;

/** The same once it is known what the session has: it is not as it was believed, or the bytes are wrong. */
async function keepTaken(
  registry: Registry,
  visit: RepositoryVisit,
  kept: Kept & { readonly upload: Closing },
): Promise<void> {
  const { target, digest, file, upload } = kept;
  const { writing } = upload;
  if (!(await writing.take())) throw registryErrors.uploadUnknown(upload.key.id);
  if (writing.sizeBytes > 0) {
    await appendFile(await writing.file(), file.file);
    return finishUpload(registry, visit, { target, digest, ...upload });
  }
  if (isRight(kept) && (await keep(registry, visit, kept))) return;
  await refuse(registry.ctx, kept);
}

/** Its session is over, or has got something else. */
async function refuse(ctx: Ctx, kept: Kept): Promise<never> {
  if (isRight(kept)) throw registryErrors.uploadUnknown(kept.upload?.key.id ?? "");
  return refuseDigest(ctx, kept.digest, kept.upload);
}

async function appendFile(session: SessionFile, file: StorableFile["file"]): Promise<void> {
  for (let at = 0; at < file.sizeBytes; ) {
    const bytes = await file.read(at, STEP_BYTES);
    if (bytes.length === 0) throw new Error("What was received cannot be read any more.");
    at += bytes.length;
    await session.append(bytes);
  }
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
  if (actual !== digest.hex) await refuseDigest(registry.ctx, digest, { key, writing });
  const { sizeBytes, digests } = await file.seal();
  const sealed = { sizeBytes, digests: { ...digests, [digest.algorithm]: digest.hex } };
  const kept = { target, digest, file: { file, sealed }, upload: { key, writing } };
  if (!(await keep(registry, visit, kept))) throw registryErrors.uploadUnknown(key.id);
}

/** What was sent is something else: the session is over. */
async function refuseDigest(
  ctx: Ctx,
  { algorithm, hex }: Digest,
  upload?: Closing,
): Promise<never> {
  if (upload) await giveUp(ctx, upload);
  throw registryErrors.digestInvalid(`${algorithm}:${hex}`);
}

async function giveUp({ db }: Ctx, { key, writing }: Closing): Promise<void> {
  await endUpload(db, key);
  await writing.end();
}

type Kept = Whole & Pick<NewBlob, "file" | "early">;

/** False if its session cannot end like that. */
async function keep(
  registry: Registry,
  visit: RepositoryVisit,
  { target, digest, file, early, upload }: Kept,
): Promise<boolean> {
  const { place, repository } = target;
  const entry = changeEntry(registry, visit, {
    ...{ operation: "registry_blob_push", status: 201, place },
  });
  const blob = { digest: `${digest.algorithm}:${digest.hex}`, file, early, entry };
  const to = { domain: place.domain, repository: repository.id };
  const ending = upload && { id: upload.key.id, isTaken: upload.writing.isTaken };
  try {
    const kept = await keepBlob(registry, {
      ...blob,
      ...to,
      ...(ending ? { upload: ending } : {}),
    });
    if (!kept) return false;
  } catch (error) {
    // The bytes that the session had are gone, so it cannot go on.
    if (upload && isCleanedUp(error)) await giveUp(registry.ctx, upload);
    throw error;
  }
  await upload?.writing.end();
  return true;
}

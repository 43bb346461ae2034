import { type Ctx, inTransaction, saveArtifacts } from "#sdk";
import type { Digest } from "../../format/names.ts";
import { addPending } from "../../pending.ts";
import { saveBlobs } from "../../save.ts";
import { isCleanedUp } from "../cleaned-up.ts";
import { registryErrors } from "../errors.ts";
import type { Registry, RepositoryVisit } from "../registry.ts";
import type { Target } from "../target.ts";
import { readBody } from "./body.ts";
import { deleteUpload, type UploadKey } from "./session-rows.ts";
import type { Writing } from "./sessions.ts";

type StorableFile = Parameters<typeof saveArtifacts>[2][number];

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
  { exchange }: RepositoryVisit,
  { target, digest, upload }: Whole,
): Promise<void> {
  const { ctx } = registry;
  const { domain } = target.place;
  const others = digest.algorithm === "sha512" ? (["sha512"] as const) : [];
  await using file = await ctx.storage(domain).beginFile({ algorithms: others });
  const { sink } = file;
  await readBody(exchange.request, (bytes) => written(sink, bytes));
  const sealed = await file.seal();
  if (sealed.digests[digest.algorithm] !== digest.hex) {
    if (upload) await giveUp(ctx, upload);
    throw registryErrors.digestInvalid(`${digest.algorithm}:${digest.hex}`);
  }
  await keep(registry, { target, digest, file: { file, sealed }, ...(upload ? { upload } : {}) });
}

/** Waits where the sink is full, and hears of its failure. */
function written(sink: NodeJS.WritableStream, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    sink.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

export interface Finish extends Closing {
  readonly target: Target;
  readonly digest: Digest;
}

/** Makes what a session has gathered a blob; throws as `receiveWhole` does. */
export async function finishUpload(
  registry: Registry,
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
  await keep(registry, { target, digest, file: { file, sealed }, upload: { key, writing } });
}

async function giveUp({ db }: Ctx, { key, writing }: Closing): Promise<void> {
  await deleteUpload(db, key);
  await writing.end();
}

interface Kept extends Whole {
  readonly file: StorableFile;
}

/** Bytes first; then the blob, its place in the repository and the end of the session are one. */
async function keep(registry: Registry, { target, digest, file, upload }: Kept): Promise<void> {
  const { ctx } = registry;
  const { domain } = target.place;
  const [artifact] = await saveArtifacts(ctx, domain, [file]);
  if (!artifact) throw new Error("A blob was not saved.");
  const saving = inTransaction(ctx, undefined, async (trx) => {
    if (upload && !(await deleteUpload(trx, upload.key))) {
      throw registryErrors.uploadUnknown(upload.key.id);
    }
    const text = `${digest.algorithm}:${digest.hex}`;
    const blob = { digest: text, size: artifact.sizeBytes, artifact: artifact.id };
    const [saved] = await saveBlobs(ctx, domain, { blobs: [blob], trx });
    if (!saved) throw new Error("A blob was not saved.");
    const repository = { id: target.repository.id, domain: domain.num };
    await addPending(trx, repository, [saved.id]);
  });
  await saving.catch(async (error: unknown) => {
    // The bytes that the session had are gone, so it cannot go on.
    if (upload && isCleanedUp(error)) await giveUp(ctx, upload);
    throw error;
  });
  await upload?.writing.end();
}

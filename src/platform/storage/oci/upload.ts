import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { storageErrors } from "../errors.ts";
import { inSteps } from "../remote-upload.ts";
import type { SealedFile, WrittenFile } from "../storage.ts";
import { CONFIG, type Layer, MANIFEST_TYPE, manifestOf } from "./manifest.ts";
import { drop, type OciAnswer, type Registry } from "./registry.ts";

/** Whole uploads of one blob that broke off. */
const TRIES = 3;
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 1000;
/** Of the registry's words in an error. */
const MOST_SAID = 200;

/** What a registry knows of a blob. */
export interface BlobFacts {
  readonly sizeBytes: number;
  readonly mediaType: string | undefined;
}

/** Undefined if the repository has no such blob. */
export async function blobFacts(
  registry: Registry,
  digest: string,
): Promise<BlobFacts | undefined> {
  const path = `blobs/${digest}`;
  const answer = await registry.send({ method: "HEAD", path, access: "pull", follows: true });
  drop(answer);
  if (answer.status === 404) return undefined;
  requireStatus(answer.status, [200]);
  const { "content-length": length, "content-type": mediaType } = answer.headers;
  return {
    sizeBytes: Number(length),
    mediaType: typeof mediaType === "string" ? mediaType : undefined,
  };
}

/**
 * Puts the bytes of a sealed file into the repository, if they are not there. The registry compares
 * them with their digest, and is asked afterwards what it has (reliability F19).
 */
export async function uploadBlob(
  registry: Registry,
  file: WrittenFile,
  { digests, sizeBytes }: SealedFile,
): Promise<string> {
  const digest = `sha256:${digests.sha256}`;
  if ((await blobFacts(registry, digest))?.sizeBytes === sizeBytes) return digest;
  const read = () => Readable.from(inSteps(file, sizeBytes), { objectMode: false });
  await putBlob(registry, { digest, sizeBytes, read });
  const arrived = (await blobFacts(registry, digest))?.sizeBytes;
  if (arrived !== sizeBytes)
    throw storageErrors.unavailable(`${arrived} of ${sizeBytes} bytes arrived`);
  return digest;
}

interface Blob {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly read: () => Buffer | Readable;
}

/** An upload that broke off begins anew: what the registry has of it is not known. */
async function putBlob(registry: Registry, blob: Blob): Promise<void> {
  for (let left = TRIES - 1; ; left -= 1) {
    const answer = await oneUpload(registry, blob).catch((error) => {
      if (left === 0 || !isBroken(error)) throw error;
    });
    if (answer === undefined) continue;
    if (answer.status >= 200 && answer.status < 300) return;
    if (answer.status < 500 || left === 0) throw uploadFailed(answer);
  }
}

const isBroken = (error: unknown): boolean =>
  typeof (error as { code?: unknown }).code === "string" && !("status" in (error as object));

async function oneUpload(registry: Registry, { digest, sizeBytes, read }: Blob) {
  const access = "pull,push";
  const begun = await registry.sendForText({ method: "POST", path: "blobs/uploads/", access });
  const { location } = begun.headers;
  if (begun.status !== 202 || typeof location !== "string") return begun;
  const path = new URL(location, begun.url);
  path.searchParams.set("digest", digest);
  return registry.sendForText({
    ...{ method: "PUT", path, access, body: read, isOnce: true },
    headers: { "content-type": "application/octet-stream", "content-length": String(sizeBytes) },
  });
}

const uploadFailed = ({ status, text }: OciAnswer & { readonly text: Buffer }) =>
  storageErrors.unavailable(`Blob upload failed: ${status} - ${said(text)}`);

/** Puts an image of these layers under a tag; blobs that a manifest lists are not forgotten. */
export async function putManifest(
  registry: Registry,
  tag: string,
  layers: readonly Layer[],
): Promise<void> {
  const manifest = manifestOf(layers);
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
    const { status, text } = await registry.sendForText({
      ...{ method: "PUT", path: `manifests/${tag}`, access: "pull,push" },
      headers: { "content-type": MANIFEST_TYPE },
      body: () => manifest,
    });
    if (status === 201) return;
    // The first of a repository finds no configuration there, and one of several at once finds what
    // the registry has not quite finished for another.
    if (![400, 404].includes(status) || pauseMs > LAST_PAUSE_MS)
      throw storageErrors.unavailable(`Manifest upload failed: ${status} - ${said(text)}`);
    await putConfig(registry);
    await sleep(pauseMs);
  }
}

async function putConfig(registry: Registry): Promise<void> {
  const { digest, bytes } = CONFIG;
  if (await blobFacts(registry, digest)) return;
  await putBlob(registry, { digest, sizeBytes: bytes.length, read: () => bytes });
}

const said = (text: Buffer): string => text.toString().replace(/\s+/g, " ").slice(0, MOST_SAID);

/** @throws `storageErrors.unavailable` */
export function requireStatus(status: number, good: readonly number[]): void {
  if (!good.includes(status)) throw storageErrors.unavailable(`status ${status}`);
}

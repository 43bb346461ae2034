import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type Job, saveArtifacts } from "#sdk";
import { containerErrors } from "../errors.ts";
import { MAX_MANIFEST_BYTES, type Reference, readManifest } from "../format/manifest.ts";
import { parseDigest } from "../format/names.ts";
import { type BlobInput, saveBlobs, saveManifests } from "../save.ts";

export interface ImportedImage {
  /** `content.id` */
  readonly manifest: string;
  /** The manifest and its blobs. */
  readonly units: readonly string[];
}

/** Stores the one image of an OCI layout (OCI image-spec v1.1, "Image Layout"). */
export async function importLayout(job: Job, layout: string): Promise<ImportedImage> {
  const { ctx, caller } = job;
  const index = readManifest(await bounded(join(layout, "index.json")));
  const [entry] = index.references;
  if (!entry) throw containerErrors.build("The builder made no image.");
  const facts = readManifest(await bounded(blobPath(layout, entry.digest)));
  const named = new Map(
    facts.references.filter(({ kind }) => kind !== "child").map((one) => [one.digest, one]),
  );
  const blobs: BlobInput[] = [];
  for (const reference of named.values()) blobs.push(await storeBlob(job, layout, reference));
  const saved = await saveBlobs(ctx, caller.domain, { blobs });
  const [manifest] = await saveManifests(ctx, caller.domain, { manifests: [{ facts }] });
  if (!manifest) throw new Error("The manifest of the build was not saved.");
  return { manifest: manifest.id, units: [...saved.map(({ id }) => id), manifest.id] };
}

function blobPath(layout: string, digest: string): string {
  const parsed = parseDigest(digest);
  if (!parsed) throw containerErrors.build(`The builder named ${digest}, which is no digest.`);
  return join(layout, "blobs", parsed.algorithm, parsed.hex);
}

async function bounded(path: string): Promise<Buffer> {
  const { size } = await stat(path);
  if (size > MAX_MANIFEST_BYTES)
    throw containerErrors.build("The builder made too large an index.");
  return readFile(path);
}

async function storeBlob(
  { ctx, caller, signal }: Job,
  layout: string,
  { digest }: Reference,
): Promise<BlobInput> {
  await using file = await ctx.storage(caller.domain).beginFile();
  await pipeline(createReadStream(blobPath(layout, digest)), file.sink, { signal });
  const sealed = await file.seal();
  const { algorithm, hex } = parseDigest(digest) ?? { algorithm: "sha256", hex: "" };
  if (algorithm === "sha256" && sealed.digests.sha256 !== hex)
    throw containerErrors.build(`The bytes of ${digest} have another digest.`);
  const [artifact] = await saveArtifacts(ctx, caller.domain, [{ file, sealed }]);
  if (!artifact) throw new Error("A blob was not saved.");
  return { digest, size: sealed.sizeBytes, artifact: artifact.id };
}

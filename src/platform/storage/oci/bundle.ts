import { mapBounded } from "#base/parallel.ts";
import { storageErrors } from "../errors.ts";
import type { BundledFile } from "../storage.ts";
import type { Layer } from "./manifest.ts";
import type { Registry } from "./registry.ts";
import { blobFacts } from "./upload.ts";

/** Blobs that are asked for at once. */
const PARALLEL = 8;
const BATCH = 200;
/** Registries take no larger manifests. */
const MOST_BYTES = 4 * 1024 * 1024;
/** Of a layer in a manifest, beside its names. */
const LAYER_BYTES = 200;

export interface Layers {
  readonly layers: readonly Layer[];
  /** Paths of files that the registry does not have. */
  readonly missing: readonly string[];
}

/**
 * A layer for each file, as the registry knows it.
 *
 * @throws `storageErrors.unavailable` if there are more than one manifest can list.
 */
export async function layersOf(
  registry: Registry,
  files: AsyncIterable<BundledFile>,
): Promise<Layers> {
  const layers: Layer[] = [];
  const missing: string[] = [];
  let bytes = 0;
  for await (const batch of batches(files)) {
    const facts = await mapBounded(batch, PARALLEL, ({ sha256 }) =>
      blobFacts(registry, `sha256:${sha256}`),
    );
    for (const [index, { sha256, relativePath: title, sizeBytes }] of batch.entries()) {
      const found = facts[index];
      if (!found) {
        missing.push(title);
        continue;
      }
      bytes += LAYER_BYTES + Buffer.byteLength(title);
      if (bytes > MOST_BYTES)
        throw storageErrors.unavailable(
          `one manifest cannot list more than ${layers.length} files`,
        );
      const { mediaType } = found;
      layers.push({
        digest: `sha256:${sha256}`,
        sizeBytes,
        title,
        ...(mediaType && { mediaType }),
      });
    }
  }
  return { layers, missing };
}

async function* batches(files: AsyncIterable<BundledFile>): AsyncGenerator<BundledFile[]> {
  let batch: BundledFile[] = [];
  for await (const file of files) {
    batch.push(file);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

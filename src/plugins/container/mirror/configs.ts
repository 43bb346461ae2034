import { mapBounded } from "#base/parallel.ts";
import type { Ctx, DomainRef, RemoteSession } from "#sdk";
import { downloadIfChanged, saveArtifacts } from "#sdk";
import type { ManifestFacts, Reference } from "../format/manifest.ts";
import { isImageConfig } from "../format/media-types.ts";
import { storedBlobs } from "../queries.ts";
import { saveBlobs } from "../save.ts";
import { aboutUpstream } from "../upstream/errors.ts";
import type { UpstreamPlace } from "../upstream/names.ts";
import { blobUnit } from "./blob-units.ts";

/** Where configurations are, and whose they become. */
export interface ConfigSource {
  readonly ctx: Ctx;
  readonly domain: DomainRef;
  readonly remote: RemoteSession;
  readonly place: UpstreamPlace;
  readonly signal: AbortSignal;
}

/**
 * Stores the configurations of images that are about to be saved, so that their labels and platform
 * are known then.
 *
 * @returns why some of them cannot be had, by the digest of the manifest.
 */
export async function storeConfigs(
  source: ConfigSource,
  images: readonly ManifestFacts[],
): Promise<Map<string, Error>> {
  const { ctx, domain, remote, signal } = source;
  const wanted = new Map<string, { config: Reference; manifests: string[] }>();
  for (const { digest, references } of images) {
    const config = references.find(({ kind }) => kind === "config");
    if (!config || !isImageConfig(config.mediaType)) continue;
    const entry = wanted.get(config.digest) ?? { config, manifests: [] };
    entry.manifests.push(digest);
    wanted.set(config.digest, entry);
  }
  const stored = await storedBlobs(ctx.db, domain, [...wanted.keys()]);
  const missing = [...wanted.values()].filter(({ config }) => !stored.has(config.digest));
  const problems = new Map<string, Error>();
  await mapBounded(missing, remote.concurrency, async ({ config, manifests }) => {
    try {
      await storeConfig(source, config);
    } catch (error) {
      signal.throwIfAborted();
      const problem = aboutUpstream(error);
      for (const manifest of manifests) problems.set(manifest, problem);
    }
  });
  return problems;
}

async function storeConfig(
  { ctx, domain, remote, place, signal }: ConfigSource,
  config: Reference,
): Promise<void> {
  const [file] = blobUnit(config, { place, policy: "immediate" }).files;
  if (!file) throw new Error("A blob has no file.");
  const { digests, sizeBytes } = file;
  const wanted = {
    url: file.urls[0],
    digests,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
  };
  const download = await downloadIfChanged(ctx, { domain, remote, wanted, signal }, {});
  if (!download) throw new Error(`${wanted.url} is not modified, which nobody asked.`);
  await using _file = download.file;
  const [artifact] = await saveArtifacts(ctx, domain, [download]);
  await saveBlobs(ctx, domain, {
    blobs: [
      {
        digest: config.digest,
        size: config.size,
        artifact: artifact?.id ?? null,
        source: { remote: remote.id, url: wanted.url },
      },
    ],
  });
}

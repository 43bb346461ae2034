import { mapBounded } from "#base/parallel.ts";
import { downloadIfChanged, saveArtifacts } from "#sdk";
import type { Reference } from "../format/manifest.ts";
import { isImageConfig } from "../format/media-types.ts";
import { storedBlobs } from "../queries.ts";
import { saveBlobs } from "../save.ts";
import { aboutUpstream } from "../upstream/errors.ts";
import { blobUnit } from "./blob-units.ts";
import type { MirrorSync, ReadManifest } from "./mirror-sync.ts";

/**
 * Stores the configurations of images that are about to be saved, so that their labels and platform
 * are known then.
 *
 * @returns why some of them cannot be had, by the digest of the manifest.
 */
export async function storeConfigs(
  sync: MirrorSync,
  loaded: readonly ReadManifest[],
): Promise<Map<string, Error>> {
  const { job, remote, version } = sync;
  const wanted = new Map<string, { config: Reference; manifests: string[] }>();
  for (const { facts, id } of loaded) {
    const config = facts.references.find(({ kind }) => kind === "config");
    if (id !== undefined || !config || !isImageConfig(config.mediaType)) continue;
    const entry = wanted.get(config.digest) ?? { config, manifests: [] };
    entry.manifests.push(facts.digest);
    wanted.set(config.digest, entry);
  }
  const stored = await storedBlobs(job.ctx.db, version.domain, [...wanted.keys()]);
  const missing = [...wanted.values()].filter(({ config }) => !stored.has(config.digest));
  const problems = new Map<string, Error>();
  await mapBounded(missing, remote.concurrency, async ({ config, manifests }) => {
    try {
      await storeConfig(sync, config);
    } catch (error) {
      job.signal.throwIfAborted();
      const problem = aboutUpstream(error);
      for (const manifest of manifests) problems.set(manifest, problem);
    }
  });
  return problems;
}

async function storeConfig(
  { job, remote, upstream, version }: MirrorSync,
  config: Reference,
): Promise<void> {
  const { ctx, signal } = job;
  const { domain } = version;
  const [file] = blobUnit(config, { place: upstream.place, policy: "immediate" }).files;
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

import { mapBounded } from "#base/parallel.ts";
import type { Ctx, DomainRef, Download, RemoteSession } from "#sdk";
import { downloadIfChanged, saveArtifacts } from "#sdk";
import { type ConfigFacts, MAX_CONFIG_BYTES, NO_CONFIG, readConfig } from "../format/config.ts";
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

/** What became of the configurations of images, by the digest of the manifest. */
export interface StoredConfigs {
  /** What those say that were downloaded now. */
  readonly facts: ReadonlyMap<string, ConfigFacts>;
  /** Why others cannot be had. */
  readonly problems: ReadonlyMap<string, Error>;
}

/** Configurations that are on the disk and have no rows yet. */
const MOST_AT_ONCE = 200;

interface Wanted {
  readonly config: Reference;
  /** Digests of the manifests that name it. */
  readonly manifests: string[];
}

/**
 * Stores the configurations of images that are about to be saved, so that their labels and platform
 * are known then.
 */
export async function storeConfigs(
  source: ConfigSource,
  images: readonly ManifestFacts[],
): Promise<StoredConfigs> {
  const wanted = wantedConfigs(images);
  const stored = await storedBlobs(source.ctx.db, source.domain, [...wanted.keys()]);
  const missing = [...wanted.values()].filter(({ config }) => !stored.has(config.digest));
  const facts = new Map<string, ConfigFacts>();
  const problems = new Map<string, Error>();
  for (let at = 0; at < missing.length; at += MOST_AT_ONCE) {
    const batch = missing.slice(at, at + MOST_AT_ONCE);
    const results = await storeBatch(source, batch);
    for (const [index, { manifests }] of batch.entries())
      for (const manifest of manifests) {
        const result = results[index];
        if (result instanceof Error) problems.set(manifest, result);
        else if (result) facts.set(manifest, result);
      }
  }
  return { facts, problems };
}

function wantedConfigs(images: readonly ManifestFacts[]): Map<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  for (const { digest, references } of images) {
    const config = references.find(({ kind }) => kind === "config");
    if (!config || !isImageConfig(config.mediaType)) continue;
    const entry = wanted.get(config.digest) ?? { config, manifests: [] };
    entry.manifests.push(digest);
    wanted.set(config.digest, entry);
  }
  return wanted;
}

/** Downloads side by side, and gives all of them their rows at once. */
async function storeBatch(
  source: ConfigSource,
  wanted: readonly Wanted[],
): Promise<(ConfigFacts | Error)[]> {
  const { ctx, domain, remote, place } = source;
  await using files = new AsyncDisposableStack();
  const downloads: { download: Download; config: Reference }[] = [];
  const results = await mapBounded(wanted, remote.concurrency, async ({ config }) => {
    try {
      const download = await downloadConfig(source, config);
      files.use(download.file);
      downloads.push({ download, config });
      return await readDownload(download);
    } catch (error) {
      source.signal.throwIfAborted();
      return aboutUpstream(error);
    }
  });
  if (downloads.length === 0) return results;
  const artifacts = await saveArtifacts(
    ctx,
    domain,
    downloads.map(({ download }) => download),
  );
  const blobs = downloads.map(({ config }, index) => {
    const [url] = fileOf(config, place).urls;
    const artifact = artifacts[index]?.id ?? null;
    return {
      digest: config.digest,
      size: config.size,
      artifact,
      source: { remote: remote.id, url },
    };
  });
  await saveBlobs(ctx, domain, { blobs });
  return results;
}

function fileOf(config: Reference, place: UpstreamPlace) {
  const [file] = blobUnit(config, { place, policy: "immediate" }).files;
  if (!file) throw new Error("A blob has no file.");
  return file;
}

async function downloadConfig(
  { ctx, domain, remote, place, signal }: ConfigSource,
  config: Reference,
): Promise<Download> {
  const { urls, digests, sizeBytes } = fileOf(config, place);
  const wanted = { url: urls[0], digests, ...(sizeBytes === undefined ? {} : { sizeBytes }) };
  const download = await downloadIfChanged(ctx, { domain, remote, wanted, signal }, {});
  if (!download) throw new Error(`${wanted.url} is not modified, which nobody asked.`);
  return download;
}

async function readDownload({ file, sealed }: Download): Promise<ConfigFacts> {
  if (sealed.sizeBytes > MAX_CONFIG_BYTES) return NO_CONFIG;
  return readConfig(await file.read(0, sealed.sizeBytes));
}

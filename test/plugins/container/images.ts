import { hash } from "node:crypto";
import { Readable } from "node:stream";
import { receiveFile, saveArtifact } from "#core/artifacts/commands.ts";
import type { Ctx, DomainRef } from "#core/ctx.ts";
import { type ManifestFacts, readManifest } from "#plugins/container/format/manifest.ts";
import { OCI_CONFIG, OCI_INDEX, OCI_MANIFEST } from "#plugins/container/format/media-types.ts";
import { saveBlobs, saveManifests, saveTags } from "#plugins/container/save.ts";

export const digestOf = (bytes: string | Buffer): string => `sha256:${hash("sha256", bytes)}`;

const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

export interface ImageSpec {
  /** Bytes of each layer. */
  readonly layers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly architecture?: string;
  /** Members of the manifest. */
  readonly more?: object;
}

/** The blobs and the manifest of an image, as a builder would make them. */
export function imageOf({
  layers = ["layer"],
  labels = {},
  architecture = "amd64",
  more,
}: ImageSpec) {
  const config = JSON.stringify({ architecture, os: "linux", config: { Labels: labels } });
  const describe = (mediaType: string, bytes: string) => ({
    ...{ mediaType, digest: digestOf(bytes), size: Buffer.byteLength(bytes) },
  });
  const manifest = {
    ...{ schemaVersion: 2, mediaType: OCI_MANIFEST, config: describe(OCI_CONFIG, config) },
    layers: layers.map((bytes) => describe(LAYER, bytes)),
    ...more,
  };
  return {
    blobs: [config, ...layers],
    facts: readManifest(Buffer.from(JSON.stringify(manifest))),
  };
}

/** An index over manifests. */
export const indexOf = (children: readonly ManifestFacts[], more: object = {}): ManifestFacts => {
  const manifests = children.map(({ mediaType, digest, bytes, platform }) => ({
    ...{ mediaType, digest, size: bytes.length },
    platform: { architecture: platform.architecture ?? "amd64", os: platform.os ?? "linux" },
  }));
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests, ...more };
  return readManifest(Buffer.from(JSON.stringify(index)));
};

/** Where units are saved. */
export interface Place {
  readonly ctx: Ctx;
  readonly domain: DomainRef;
}

/** Blobs with their bytes; returns their ids. */
export async function putBlobs(
  { ctx, domain }: Place,
  texts: readonly string[],
): Promise<string[]> {
  const blobs = [];
  for (const text of texts) {
    await using file = await receiveFile(ctx, domain, Readable.from([Buffer.from(text)]));
    const artifact = await saveArtifact(ctx, domain, file);
    blobs.push({ digest: digestOf(text), size: Buffer.byteLength(text), artifact: artifact.id });
  }
  return (await saveBlobs(ctx, domain, { blobs })).map(({ id }) => id);
}

export async function putManifest({ ctx, domain }: Place, facts: ManifestFacts): Promise<string> {
  const [saved] = await saveManifests(ctx, domain, { manifests: [{ facts }] });
  if (!saved) throw new Error("The manifest was not saved.");
  return saved.id;
}

export interface PutImage {
  readonly manifest: string;
  readonly digest: string;
  /** Configuration first. */
  readonly blobs: readonly string[];
  /** All of it, as a push names it. */
  readonly units: readonly string[];
}

export async function putImage(place: Place, spec: ImageSpec = {}): Promise<PutImage> {
  const { blobs: texts, facts } = imageOf(spec);
  const blobs = await putBlobs(place, texts);
  const manifest = await putManifest(place, facts);
  return { manifest, digest: facts.digest, blobs, units: [...blobs, manifest] };
}

export async function putTag(
  { ctx, domain }: Place,
  name: string,
  manifest: string,
): Promise<string> {
  const [saved] = await saveTags(ctx, domain, { tags: [{ name, manifest }] });
  if (!saved) throw new Error("The tag was not saved.");
  return saved.id;
}

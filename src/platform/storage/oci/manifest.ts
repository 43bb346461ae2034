export const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
/** Of layers about whose bytes nothing more is known. */
export const OCTETS = "application/octet-stream";
const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";
const TITLE = "org.opencontainers.image.title";

/** The configuration of an image that is none. */
export const CONFIG = {
  bytes: Buffer.from("{}"),
  digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
} as const;

export interface Layer {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly title: string;
  /** `application/octet-stream` without it. */
  readonly mediaType?: string;
}

/** An image whose layers are files, as clients of registries pull them (OCI image-spec v1.1). */
export function manifestOf(layers: readonly Layer[]): Buffer {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: { mediaType: CONFIG_TYPE, digest: CONFIG.digest, size: CONFIG.bytes.length },
      layers: layers.map(({ digest, sizeBytes, title, mediaType = OCTETS }) => ({
        mediaType,
        digest,
        size: sizeBytes,
        annotations: { [TITLE]: title },
      })),
    }),
  );
}

/** The one layer of an object's manifest; undefined if it is no such manifest. */
export function onlyLayer(manifest: Buffer): Pick<Layer, "digest" | "sizeBytes"> | undefined {
  const layers = layersOf(manifest);
  const [layer] = layers;
  const { digest, size } = layer ?? {};
  if (layers.length !== 1 || typeof digest !== "string" || typeof size !== "number")
    return undefined;
  return /^sha256:[0-9a-f]{64}$/.test(digest) ? { digest, sizeBytes: size } : undefined;
}

type Unchecked = Readonly<Record<"digest" | "size", unknown>>;

function layersOf(manifest: Buffer): readonly Partial<Unchecked>[] {
  try {
    const { layers } = JSON.parse(manifest.toString()) as { readonly layers?: unknown };
    return Array.isArray(layers) ? layers.filter((layer) => layer instanceof Object) : [];
  } catch {
    return [];
  }
}

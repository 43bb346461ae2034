import { hash } from "node:crypto";
import { scanJson } from "#base/json-scan.ts";
import { type Classified, classify, type Traits } from "./classify.ts";
import { type ConfigFacts, NO_CONFIG, storable, textsOf } from "./config.ts";
import { unsignedBytes } from "./jws.ts";
import { Malformed } from "./malformed.ts";
import {
  DOCKER_LIST,
  DOCKER_MANIFEST,
  isForeignLayer,
  isIndexType,
  type ManifestType,
  OCI_INDEX,
  OCI_MANIFEST,
  SCHEMA1,
  storedType,
} from "./media-types.ts";
import { type AddressAlgorithm, parseDigest } from "./names.ts";
import {
  checkShape,
  type Descriptor,
  type ImageManifest,
  type Index,
  type Platform,
  type Schema1,
} from "./shapes.ts";

export { Malformed } from "./malformed.ts";

export const MAX_MANIFEST_BYTES = 4_194_304;
/** Real ones nest five deep. */
const MAX_DEPTH = 64;

/** What one entry of a list says of the machine that its child is for. */
export interface PlatformFacts {
  readonly architecture: string;
  readonly os: string;
  readonly os_version: string;
  readonly os_features: string;
  readonly features: string;
  readonly variant: string;
}

/** Something that a manifest names. */
export interface Reference {
  readonly kind: "config" | "layer" | "child";
  /** Among those of its kind, from 0. */
  readonly position: number;
  readonly digest: string;
  /** Empty in schema 1, which names none. */
  readonly mediaType: string;
  /** Bytes; null in schema 1. */
  readonly size: number | null;
  readonly platform: PlatformFacts | null;
  /** A layer that others must not hand out (§11): it may be absent. */
  readonly isForeign: boolean;
  readonly hasUrls: boolean;
  /** The descriptor carries the bytes itself: the blob may be absent. */
  readonly isInline: boolean;
}

/** All that is known of a manifest from its bytes. */
export interface ManifestFacts extends Classified {
  readonly bytes: Buffer;
  readonly digest: string;
  readonly schemaVersion: number;
  /** What a list of referrers says (§7.10): its own type, else that of its configuration. */
  readonly referrerType: string | null;
  /** Digest. */
  readonly subject: string | null;
  readonly references: readonly Reference[];
  /** Of schema 1, which has no configuration. */
  readonly platform: Pick<ConfigFacts, "architecture" | "os">;
  /** Sum of the layers; 0 for schema 1, null for an index. */
  readonly compressedImageSize: number | null;
}

export interface ReadOptions {
  /** Of the request or answer that brought the bytes. */
  readonly contentType?: string;
  /** What the digest is made with: that of the reference. */
  readonly algorithm?: AddressAlgorithm;
}

/**
 * Reads and checks a manifest.
 *
 * @throws Malformed, whose text is `<dotted path>: <reason>` where a place can be named.
 * @see plugin-container §§2.3–2.5, 7.5
 */
export function readManifest(bytes: Buffer, options: ReadOptions = {}): ManifestFacts {
  const document = parse(bytes);
  const mediaType = typeOf(document, options.contentType);
  checkShape(mediaType, document);
  const digest = (subject: Buffer, algorithm: AddressAlgorithm = "sha256") =>
    `${algorithm}:${hash(algorithm, subject, "hex")}`;
  if (mediaType === SCHEMA1) {
    const schema1 = document as unknown as Schema1;
    const unsigned = unsignedBytes(bytes, schema1);
    return { ...schema1Facts(schema1), bytes, digest: digest(unsigned) };
  }
  const facts = isIndexType(mediaType)
    ? indexFacts(mediaType, document as unknown as Index)
    : imageFacts(mediaType, document as unknown as ImageManifest);
  return { ...facts, bytes, digest: digest(bytes, options.algorithm) };
}

/** The kind of a manifest, once its configuration is read. */
export const traitsOf = (facts: ManifestFacts, config: ConfigFacts = NO_CONFIG): Traits =>
  classify(facts, config);

function parse(bytes: Buffer): Record<string, unknown> {
  if (bytes.length > MAX_MANIFEST_BYTES)
    throw new Malformed(`A manifest has at most ${MAX_MANIFEST_BYTES} bytes.`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Malformed("The manifest is not UTF-8.");
  }
  const problem = scanJson(text, MAX_DEPTH);
  if (problem?.kind === "depth") throw new Malformed("The manifest nests too deeply.");
  if (problem) throw new Malformed(`The manifest has two members ${JSON.stringify(problem.key)}.`);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new Malformed("The manifest is not JSON.");
  }
  if (typeof document !== "object" || document === null || Array.isArray(document))
    throw new Malformed("(root): Expected object");
  return document as Record<string, unknown>;
}

/** @see plugin-container §2.3 */
function typeOf(document: Record<string, unknown>, contentType: string | undefined): ManifestType {
  const { mediaType } = document;
  if (mediaType !== undefined && mediaType !== null && mediaType !== "") {
    const known = typeof mediaType === "string" ? storedType(mediaType) : undefined;
    if (known) return known;
    const shown = storable(String(mediaType)).slice(0, 255);
    throw new Malformed(`A manifest of an unknown media type was provided: \`${shown}\``);
  }
  return storedType(contentType ?? "") ?? typeByShape(document);
}

function typeByShape({ manifests, config, fsLayers }: Record<string, unknown>): ManifestType {
  if (Array.isArray(manifests) && config === undefined && fsLayers === undefined) {
    const types = manifests.map((child) => String(Object(child).mediaType));
    const isOci =
      types.length === 0 || types.some((type) => type.startsWith("application/vnd.oci."));
    return isOci ? OCI_INDEX : DOCKER_LIST;
  }
  if (config === undefined) return SCHEMA1;
  const type = String(Object(config).mediaType);
  return type.startsWith("application/vnd.docker.") ? DOCKER_MANIFEST : OCI_MANIFEST;
}

type OwnFacts = Omit<ManifestFacts, "bytes" | "digest">;

const NO_PLATFORM = { architecture: null, os: null };

function schema1Facts(document: Schema1): OwnFacts {
  return {
    mediaType: SCHEMA1,
    schemaVersion: 1,
    artifactType: null,
    referrerType: null,
    subject: null,
    annotations: {},
    configType: null,
    layerTypes: [],
    references: document.fsLayers.map(({ blobSum }, position) => ({
      ...{ kind: "layer" as const, position, digest: blobSum, mediaType: "", size: null },
      ...{ platform: null, isForeign: false, hasUrls: false, isInline: false },
    })),
    platform: {
      architecture: document.architecture === undefined ? null : storable(document.architecture),
      os: document.os === undefined ? null : storable(document.os),
    },
    compressedImageSize: 0,
  };
}

function indexFacts(mediaType: ManifestType, document: Index): OwnFacts {
  const attached = attachedFacts(mediaType, document);
  return {
    ...attached,
    mediaType,
    schemaVersion: 2,
    referrerType: attached.artifactType,
    configType: null,
    layerTypes: [],
    references: document.manifests.map((child, position) => reference("child", child, position)),
    platform: NO_PLATFORM,
    compressedImageSize: null,
  };
}

function imageFacts(mediaType: ManifestType, document: ImageManifest): OwnFacts {
  const { config, layers } = document;
  const attached = attachedFacts(mediaType, document);
  return {
    ...attached,
    mediaType,
    schemaVersion: 2,
    referrerType: attached.artifactType ?? config.mediaType,
    configType: config.mediaType,
    layerTypes: layers.map((layer) => layer.mediaType),
    references: [
      reference("config", config, 0),
      ...layers.map((layer, position) => reference("layer", layer, position)),
    ],
    platform: platformOf(document),
    compressedImageSize: totalOf(layers.map(({ size }) => size)),
  };
}

/** Only OCI's own types say what they are attached to, and what is noted on them. */
function attachedFacts(
  mediaType: ManifestType,
  { artifactType, subject, annotations }: Pick<Index, "artifactType" | "subject" | "annotations">,
) {
  const isOci = mediaType === OCI_MANIFEST || mediaType === OCI_INDEX;
  return {
    artifactType: (isOci && artifactType) || null,
    subject: (isOci && subject?.digest) || null,
    annotations: isOci ? textsOf(annotations) : {},
  };
}

/** Keys of the manifest itself tell before its configuration does (§2.2). */
function platformOf(document: object): OwnFacts["platform"] {
  const { architecture, os } = document as Readonly<Record<string, unknown>>;
  return {
    architecture: typeof architecture === "string" ? storable(architecture) : null,
    os: typeof os === "string" ? storable(os) : null,
  };
}

/** What does not fit into a number of the wire is cut there. */
const totalOf = (sizes: readonly number[]): number =>
  Math.min(
    sizes.reduce((total, size) => total + size, 0),
    Number.MAX_SAFE_INTEGER,
  );

function reference(kind: Reference["kind"], entry: Descriptor, position: number): Reference {
  const { digest, mediaType, size, urls, data, platform } = entry;
  return {
    ...{ kind, position, digest, mediaType, size },
    platform: platform && kind === "child" ? platformFacts(platform) : null,
    isForeign: kind === "layer" && isForeignLayer(mediaType),
    hasUrls: (urls ?? []).length > 0,
    isInline: data !== undefined && holds(data, digest),
  };
}

const platformFacts = (platform: Platform): PlatformFacts => ({
  architecture: storable(platform.architecture),
  os: storable(platform.os),
  os_version: storable(platform["os.version"] ?? ""),
  os_features: storable((platform["os.features"] ?? []).join(",")),
  features: storable((platform.features ?? []).join(",")),
  variant: storable(platform.variant ?? ""),
});

/** Whether the inline bytes are those of the digest. */
function holds(data: string, digest: string): boolean {
  const parsed = parseDigest(digest);
  if (!parsed) return false;
  return hash(parsed.algorithm, Buffer.from(data, "base64"), "hex") === parsed.hex;
}

/** Media types of a registry (plugin-container §2.3). */

const DOCKER = "application/vnd.docker.distribution.manifest";
const OCI = "application/vnd.oci.image";

export const SCHEMA1 = `${DOCKER}.v1+json`;
/** How schema 1 is sent with its signature; never stored under this name. */
export const SCHEMA1_SIGNED = `${DOCKER}.v1+prettyjws`;
export const DOCKER_MANIFEST = `${DOCKER}.v2+json`;
export const DOCKER_LIST = `${DOCKER}.list.v2+json`;
export const OCI_MANIFEST = `${OCI}.manifest.v1+json`;
export const OCI_INDEX = `${OCI}.index.v1+json`;

export const MANIFEST_TYPES = [
  SCHEMA1,
  DOCKER_MANIFEST,
  DOCKER_LIST,
  OCI_MANIFEST,
  OCI_INDEX,
] as const;
export type ManifestType = (typeof MANIFEST_TYPES)[number];

export const DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
export const OCI_CONFIG = `${OCI}.config.v1+json`;
export const HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json";
export const EMPTY_JSON = "application/vnd.oci.empty.v1+json";

const FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
const OCI_FOREIGN = `${OCI}.layer.nondistributable.v1.tar`;
const OCI_LAYER = `${OCI}.layer.v1.tar`;

const COSIGN_TYPES: ReadonlyMap<string, CosignType> = new Map([
  ["application/vnd.dev.cosign.simplesigning.v1+json", "cosign_signature"],
  ["application/vnd.dsse.envelope.v1+json", "cosign_attestation"],
  ["application/vnd.dev.sigstore.bundle.v0.3+json", "cosign_attestation_bundle"],
  ["application/vnd.syft+json", "cosign_sbom"],
  ...["application/vnd.cyclonedx", "text/spdx"].flatMap((name) =>
    ["", "+xml", "+json"].map((suffix) => [`${name}${suffix}`, "cosign_sbom"] as const),
  ),
] as const);

export type CosignType =
  | "cosign_sbom"
  | "cosign_signature"
  | "cosign_attestation"
  | "cosign_attestation_bundle";

const KNOWN_BLOBS: ReadonlySet<string> = new Set([
  ...[DOCKER_CONFIG, OCI_CONFIG, HELM_CONFIG],
  "application/vnd.docker.image.rootfs.diff.tar.gzip",
  FOREIGN,
  ...[OCI_LAYER, OCI_FOREIGN].flatMap((name) => [name, `${name}+gzip`, `${name}+zstd`]),
  ...COSIGN_TYPES.keys(),
]);

export const isManifestType = (type: string): type is ManifestType =>
  (MANIFEST_TYPES as readonly string[]).includes(type);

export const isIndexType = (type: string): boolean => type === DOCKER_LIST || type === OCI_INDEX;

/** The name under which a manifest is stored; undefined if the type is of no manifest. */
export function storedType(type: string): ManifestType | undefined {
  const [name = ""] = type.split(";");
  const bare = name.trim().toLowerCase();
  if (bare === SCHEMA1_SIGNED) return SCHEMA1;
  return isManifestType(bare) ? bare : undefined;
}

/** A layer that its maker does not let others hand out: it is usually not here. */
export const isForeignLayer = (type: string): boolean =>
  type === FOREIGN || type === OCI_FOREIGN || type.startsWith(`${OCI_FOREIGN}+`);

/** Whether a configuration is that of an image, so that it is JSON with labels and a platform. */
export const isImageConfig = (type: string): boolean =>
  type === DOCKER_CONFIG || type === OCI_CONFIG;

/** Whether blobs of this type are what images, charts and cosign's attachments consist of. */
export const isKnownBlob = (type: string): boolean => KNOWN_BLOBS.has(type);

/** What cosign attaches by a layer of this type. */
export const cosignType = (layer: string): CosignType | undefined => COSIGN_TYPES.get(layer);

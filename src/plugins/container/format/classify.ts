import type { ConfigFacts } from "./config.ts";
import {
  type CosignType,
  cosignType,
  EMPTY_JSON,
  HELM_CONFIG,
  isIndexType,
  isKnownBlob,
  type ManifestType,
  OCI_MANIFEST,
} from "./media-types.ts";

export type ManifestKind =
  | "index"
  | "bootable"
  | "flatpak"
  | "helm"
  | CosignType
  | "artifact"
  | "image";

/** What the kind of a manifest follows from. */
export interface Classified {
  readonly mediaType: ManifestType;
  /** `artifactType` of the manifest itself. */
  readonly artifactType: string | null;
  readonly configType: string | null;
  readonly layerTypes: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Traits {
  readonly type: ManifestKind;
  /** Of an index: not known here, since its children tell. */
  readonly isBootable: boolean;
  readonly isFlatpak: boolean;
}

const BOOTC = "containers.bootc";
const FLATPAK = "org.flatpak.ref";

/** The first rule of plugin-container §2.4 that holds. */
export function classify(manifest: Classified, { labels }: Pick<ConfigFacts, "labels">): Traits {
  const { mediaType, annotations } = manifest;
  if (isIndexType(mediaType)) return { type: "index", isBootable: false, isFlatpak: false };
  const isBootable = annotations[BOOTC] === "1" || labels[BOOTC] === "1";
  const isFlatpak = Boolean(labels[FLATPAK]);
  const type = isBootable ? "bootable" : isFlatpak ? "flatpak" : plainKind(manifest);
  return { type, isBootable, isFlatpak };
}

function plainKind(manifest: Classified): ManifestKind {
  const { mediaType, configType, layerTypes } = manifest;
  if (configType === HELM_CONFIG) return "helm";
  for (const type of layerTypes) {
    const cosign = cosignType(type);
    if (cosign) return cosign;
  }
  return mediaType === OCI_MANIFEST && isArtifact(manifest) ? "artifact" : "image";
}

const isArtifact = ({ artifactType, configType }: Classified): boolean =>
  Boolean(artifactType) ||
  configType === EMPTY_JSON ||
  (configType !== null && !isKnownBlob(configType));

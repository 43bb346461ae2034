import type { ContentType, EntityModel } from "#sdk";

/** Bytes by their digest: a layer or a configuration (plugin-container §2.1). */
export const containerBlob: ContentType = {
  family: "content",
  type: "container.blob",
  model: "container.Blob",
  path: "content/container/blobs",
  table: "container_blob",
  naturalKey: (row) => [String(row.digest)],
  slotIsPath: false,
  reclaimable: true,
};

/** An image, an index of images or an artifact; its bytes are a column. */
export const containerManifest: ContentType = {
  family: "content",
  type: "container.manifest",
  model: "container.Manifest",
  path: "content/container/manifests",
  table: "container_manifest",
  naturalKey: (row) => [String(row.digest)],
  slotIsPath: false,
  reclaimable: false,
};

/** A name for a manifest: one of a name in a version. */
export const containerTag: ContentType = {
  family: "content",
  type: "container.tag",
  model: "container.Tag",
  path: "content/container/tags",
  table: "container_tag",
  naturalKey: (row) => [String(row.name), String(row.manifest)],
  slot: (row) => [String(row.name)],
  slotIsPath: false,
  reclaimable: false,
};

/** An OpenPGP signature over a manifest's digest and name (plugin-container §7.11). */
export const containerSignature: ContentType = {
  family: "content",
  type: "container.signature",
  model: "container.ManifestSignature",
  path: "content/container/signatures",
  table: "container_signature",
  naturalKey: (row) => [String(row.digest)],
  slotIsPath: false,
  reclaimable: false,
};

export const containerRemote: EntityModel = {
  family: "remote",
  type: "container.container",
  model: "container.ContainerRemote",
  path: "remotes/container/container",
};

export const containerPullThroughRemote: EntityModel = {
  family: "remote",
  type: "container.pull-through",
  model: "container.ContainerPullThroughRemote",
  path: "remotes/container/pull-through",
};

export const containerDistribution: EntityModel = {
  family: "distribution",
  type: "container.container",
  model: "container.ContainerDistribution",
  path: "distributions/container/container",
};

export const containerPullThroughDistribution: EntityModel = {
  family: "distribution",
  type: "container.pull-through",
  model: "container.ContainerPullThroughDistribution",
  path: "distributions/container/pull-through",
};

import type { ContentType, EntityModel } from "#sdk";

/** A file at a path. Two files with the same path and digest are one unit of a domain. */
export const fileContent: ContentType = {
  family: "content",
  type: "file.file",
  model: "file.FileContent",
  path: "content/file/files",
  table: "file_content",
  naturalKey: (row) => [String(row.relative_path), hexOf(row.digest)],
  slot: (row) => [String(row.relative_path)],
  slotIsPath: true,
  reclaimable: true,
};

export const fileRemote: EntityModel = {
  family: "remote",
  type: "file.file",
  model: "file.FileRemote",
  path: "remotes/file/file",
};

export const filePublication: EntityModel = {
  family: "publication",
  type: "file.file",
  model: "file.FilePublication",
  path: "publications/file/file",
};

export const fileDistribution: EntityModel = {
  family: "distribution",
  type: "file.file",
  model: "file.FileDistribution",
  path: "distributions/file/file",
};

export const fileAcs: EntityModel = {
  family: "alternate_content_source",
  type: "file.file",
  model: "file.FileAlternateContentSource",
  path: "acs/file/file",
};

/** @param digest SHA-256 as bytes. */
function hexOf(digest: unknown): string {
  if (!Buffer.isBuffer(digest)) throw new TypeError("The digest of a file unit is a Buffer.");
  return digest.toString("hex");
}

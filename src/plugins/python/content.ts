import type { ContentType, EntityModel } from "#sdk";

/** One file of a release (plugin-python §2). Two with the same digest are one unit of a domain. */
export const pythonPackage: ContentType = {
  family: "content",
  type: "python.python",
  model: "python.PythonPackageContent",
  path: "content/python/packages",
  table: "python_package",
  naturalKey: (row) => [hexOf(row.sha256)],
  slot: (row) => [String(row.filename)],
  slotIsPath: false,
  reclaimable: true,
  releases: { ecosystem: "PyPI", name: "name", version: "version" },
};

/** Who made a file, signed (PEP 740): one per package in a version. */
export const pythonProvenance: ContentType = {
  family: "content",
  type: "python.provenance",
  model: "python.PackageProvenance",
  path: "content/python/provenance",
  table: "python_provenance",
  naturalKey: (row) => [hexOf(row.sha256)],
  slot: (row) => [String(row.package)],
  slotIsPath: false,
  reclaimable: false,
};

/** That a release should not be chosen any more (PEP 592): one reason per release in a version. */
export const pythonYank: ContentType = {
  family: "content",
  type: "python.python_yank",
  model: "python.PackageYank",
  path: "content/python/yanks",
  table: "python_yank",
  naturalKey: (row) => [
    String(row.name_normalized),
    String(row.version),
    String(row.yanked_reason),
  ],
  slot: (row) => [String(row.name_normalized), String(row.version)],
  slotIsPath: false,
  reclaimable: false,
  isNewer: true,
};

export const pythonRemote: EntityModel = {
  family: "remote",
  type: "python.python",
  model: "python.PythonRemote",
  path: "remotes/python/python",
};

export const pythonPublication: EntityModel = {
  family: "publication",
  type: "python.python",
  model: "python.PythonPublication",
  path: "publications/python/pypi",
};

export const pythonDistribution: EntityModel = {
  family: "distribution",
  type: "python.python",
  model: "python.PythonDistribution",
  path: "distributions/python/pypi",
};

/** @param digest SHA-256 as bytes. */
function hexOf(digest: unknown): string {
  if (!Buffer.isBuffer(digest)) throw new TypeError("The digest of a Python unit is a Buffer.");
  return digest.toString("hex");
}

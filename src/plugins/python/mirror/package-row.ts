import type { Digests } from "#base/digests.ts";
import type { Json } from "#base/json.ts";
import type { DeclaredUnit } from "#sdk";
import { pythonJson } from "../format/python-json.ts";
import type { Candidate } from "./filters.ts";

/** Columns of a package that its core metadata fills, as texts; here empty. */
export const NO_METADATA = {
  metadata_version: "",
  author: "",
  author_email: "",
  description: "",
  description_content_type: "",
  download_url: "",
  home_page: "",
  keywords: "",
  license: "",
  license_expression: "",
  maintainer: "",
  maintainer_email: "",
  platform: "",
  project_url: "",
  summary: "",
  supported_platform: "",
  classifiers: "[]",
  dynamic: "[]",
  license_file: "[]",
  obsoletes_dist: "[]",
  project_urls: "{}",
  provides_dist: "[]",
  provides_extras: "[]",
  requires_dist: "[]",
  requires_external: "[]",
} as const;

export type MetadataColumns = { readonly [Column in keyof typeof NO_METADATA]: string };

/** Columns of several values, and the keys that an `info` may have them under. */
const LISTS: Readonly<Partial<Record<keyof MetadataColumns, readonly string[]>>> = {
  classifiers: ["classifiers"],
  dynamic: ["dynamic"],
  license_file: ["license_files", "license_file"],
  obsoletes_dist: ["obsoletes_dist"],
  project_urls: ["project_urls"],
  provides_dist: ["provides_dist"],
  provides_extras: ["provides_extra", "provides_extras"],
  requires_dist: ["requires_dist"],
  requires_external: ["requires_external"],
};

/** The `info` of the JSON API as columns; what is absent or `null` is empty. */
export function infoColumns(info: Readonly<Record<string, unknown>>): MetadataColumns {
  const columns = Object.entries(NO_METADATA).map(([column, empty]) => {
    const keys = LISTS[column as keyof MetadataColumns];
    if (keys === undefined) return [column, textOf(info[column])];
    const value = keys.map((key) => info[key]).find((each) => each !== undefined && each !== null);
    return [column, structured(column === "project_urls", value) ?? empty];
  });
  return Object.fromEntries(columns) as MetadataColumns;
}

/** What releases of a project have in common as a rule: who makes it, where, and what it is. */
const SHARED = new Set<string>([
  ...["author", "author_email", "maintainer", "maintainer_email", "home_page", "project_url"],
  ...["project_urls", "summary", "keywords", "license", "license_expression", "platform"],
]);

/** Of one release's metadata that which may stand for another release. */
export const sharedColumns = (columns: MetadataColumns): MetadataColumns =>
  Object.fromEntries(
    Object.entries(NO_METADATA).map(([column, empty]) => [
      column,
      SHARED.has(column) ? columns[column as keyof MetadataColumns] : empty,
    ]),
  ) as MetadataColumns;

/** The row of a file; `name` is the project's as upstream spells it. */
export function packageRow(
  { file, parsed }: Candidate,
  of: {
    readonly name: string;
    readonly normalized: string;
    readonly sha256: string;
    readonly columns: MetadataColumns;
  },
): DeclaredUnit["row"] {
  const digest = metadataDigest(file.coreMetadata);
  const isWheel = parsed.packagetype === "bdist_wheel";
  return {
    ...of.columns,
    filename: file.filename,
    sha256: Buffer.from(of.sha256, "hex"),
    size: file.size ?? 0,
    packagetype: parsed.packagetype,
    name: of.name,
    name_normalized: of.normalized,
    version: parsed.version,
    python_version: parsed.pythonVersion,
    requires_python: storable(file.requiresPython ?? ""),
    metadata_sha256: isWheel && digest !== undefined ? Buffer.from(digest, "hex") : null,
  };
}

/** SHA-256 of a file's core metadata, where upstream tells it. */
export const metadataDigest = (
  coreMetadata: Candidate["file"]["coreMetadata"],
): Digests["sha256"] => (typeof coreMetadata === "object" ? coreMetadata.sha256 : undefined);

const textOf = (value: unknown): string => (typeof value === "string" ? storable(value) : "");

/** The database takes every character but one. */
export const storable = (text: string): string => text.replaceAll("\0", "");

/** JSON text of a list of texts, or of an object of texts; undefined for everything else. */
function structured(isObject: boolean, value: unknown): string | undefined {
  if (Array.isArray(value) && !isObject) return pythonJson(value.filter(isText));
  if (!isObject || typeof value !== "object" || value === null) return undefined;
  const members = Object.entries(value).filter((member): member is [string, string] =>
    isText(member[1]),
  );
  return pythonJson(Object.fromEntries(members) as Json);
}

const isText = (value: unknown): value is string => typeof value === "string";

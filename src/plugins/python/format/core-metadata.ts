import { readHeaders } from "./headers.ts";
import { Malformed } from "./malformed.ts";
import { pythonJson } from "./python-json.ts";

/** Most bytes of a METADATA or PKG-INFO that are looked at. */
export const MAX_METADATA_BYTES = 8 * 1024 * 1024;

/** Of one value, except for a description: lists of lines take much more than their text. */
const MAX_VALUE_UNITS = 1024 * 1024;

/** Header → column, by the version of the metadata that brought it. */
const TEXTS = {
  "1.0": {
    "metadata-version": "metadata_version",
    name: "name",
    version: "version",
    summary: "summary",
    description: "description",
    keywords: "keywords",
    "home-page": "home_page",
    author: "author",
    "author-email": "author_email",
    license: "license",
  },
  "1.1": { "download-url": "download_url" },
  "1.2": {
    maintainer: "maintainer",
    "maintainer-email": "maintainer_email",
    "requires-python": "requires_python",
  },
  "2.1": { "description-content-type": "description_content_type" },
  "2.4": { "license-expression": "license_expression" },
} as const;

/** The same for headers of several values. */
const LISTS = {
  "1.1": { classifier: "classifiers" },
  "1.2": {
    "requires-dist": "requires_dist",
    "provides-dist": "provides_dist",
    "obsoletes-dist": "obsoletes_dist",
    "requires-external": "requires_external",
    "project-url": "project_urls",
  },
  "2.1": { "provides-extra": "provides_extras" },
  "2.2": { dynamic: "dynamic" },
  "2.4": { "license-file": "license_file" },
} as const;

/** Headers of several values that stay out of their columns (plugin-python §2.2). */
const UNMAPPED = ["platform", "supported_platform", "project_url"] as const;

const VERSIONS = ["1.0", "1.1", "1.2", "2.0", "2.1", "2.2", "2.3", "2.4", "2.5"];
const NEWEST = "2.5";

type ValuesOf<T> = T extends unknown ? T[keyof T] : never;
type Column =
  | ValuesOf<(typeof TEXTS)[keyof typeof TEXTS]>
  | ValuesOf<(typeof LISTS)[keyof typeof LISTS]>
  | (typeof UNMAPPED)[number];

/**
 * What the metadata of a distribution says, by the columns of `python_package`: texts, empty where
 * the header is absent; several values as JSON the way Python writes it, `[]` where there are none.
 * `project_urls` is a list of `Label, URL`, and `{}` where there are none.
 */
export type CoreMetadata = Readonly<Record<Column, string>>;

/** Metadata that say no more than a name and a version. */
export function bareMetadata(name: string, version: string): CoreMetadata {
  return { ...EMPTY, name, version };
}

/**
 * Reads METADATA or PKG-INFO.
 *
 * Headers that the declared version does not define are left out, and an unknown version has all of
 * them. Broken encodings are repaired, and what is no header is not looked at.
 *
 * @throws `Malformed` if the text is larger than 8 MiB, has too many or too long headers, or has two
 *   different names or versions.
 * @see plugin-python §2.5
 */
export function parseCoreMetadata(bytes: Buffer): CoreMetadata {
  if (bytes.length > MAX_METADATA_BYTES) throw new Malformed(METADATA_TOO_LARGE);
  const { fields, body } = readHeaders(bytes);
  for (const header of ["metadata-version", "name", "version"]) refuseTwo(header, fields);
  const declared = joinedLines(fields.get("metadata-version")?.[0] ?? "");
  const metadata = { ...EMPTY };
  for (const [header, column] of headersOf(TEXT_HEADERS, declared)) {
    const [value = ""] = fields.get(header) ?? [];
    const text = header === "description" ? dedented(value) : joinedLines(value);
    if (text !== "UNKNOWN") metadata[column] = text;
  }
  for (const [header, column] of headersOf(LIST_HEADERS, declared)) {
    const values = fields.get(header);
    if (values) metadata[column] = pythonJson(values.map(joinedLines));
  }
  if (body !== "") metadata.description = body;
  return metadata;
}

/** What is said about larger metadata. */
export const METADATA_TOO_LARGE = "The metadata are larger than 8 MiB.";

const columnsOf = (table: Readonly<Record<string, Readonly<Record<string, Column>>>>): Column[] =>
  Object.values(table).flatMap((headers) => Object.values(headers));

const EMPTY = Object.fromEntries([
  ...[...columnsOf(TEXTS), ...UNMAPPED].map((column) => [column, ""]),
  ...columnsOf(LISTS).map((column) => [column, column === "project_urls" ? "{}" : "[]"]),
]) as CoreMetadata;

type Headers = readonly (readonly [header: string, column: Column])[];

/** Of a table, the headers that each version of the metadata has. */
function byVersion<T extends Readonly<Record<string, Readonly<Record<string, Column>>>>>(
  table: T,
): ReadonlyMap<string, Headers> {
  const added = VERSIONS.map((version) => Object.entries(table[version] ?? {}));
  return new Map(VERSIONS.map((version, index) => [version, added.slice(0, index + 1).flat()]));
}

const TEXT_HEADERS = byVersion(TEXTS);
const LIST_HEADERS = byVersion(LISTS);

/** An unknown version is as good as the newest. */
const headersOf = (headers: ReadonlyMap<string, Headers>, declared: string): Headers =>
  headers.get(declared) ?? headers.get(NEWEST) ?? [];

/** Readers differ in whether the first or the last one counts, so there must be no doubt. */
function refuseTwo(header: string, fields: ReadonlyMap<string, readonly string[]>): void {
  const [first, ...others] = (fields.get(header) ?? []).map(joinedLines);
  if (others.some((other) => other !== first))
    throw new Malformed(`The metadata have the header ${header} twice, with different values.`);
}

function joinedLines(value: string): string {
  if (value.length > MAX_VALUE_UNITS)
    throw new Malformed("A header of the metadata is longer than 1 MiB.");
  const lines = value.split(/\r\n|\r|\n/).map((line) => line.trim());
  return lines.join(" ").trim();
}

/** The lines of a description in a header are set in by eight spaces. */
const dedented = (value: string): string =>
  value
    .trim()
    .replace(/\r\n?/g, "\n")
    .replace(/\n {8}/g, "\n");

import {
  digestsOf,
  fileUrl,
  type IndexFile,
  isFilename,
  type ListedProject,
} from "./index-file.ts";
import { Malformed } from "./malformed.ts";

type Entry = Readonly<Record<string, unknown>>;

/** One entry of `files` (PEP 691, 700, 714, 740); undefined for one that names no file. */
export function jsonFile(item: unknown, base: string): IndexFile | undefined {
  if (!isEntry(item)) throw new Malformed("an entry of 'files' is no object");
  const { filename, url: href } = item;
  if (typeof filename !== "string" || !isFilename(filename)) return undefined;
  const url = typeof href === "string" ? fileUrl(href, base) : undefined;
  if (!url) return undefined;
  url.hash = "";
  return {
    filename,
    url: url.href,
    hashes: isEntry(item.hashes) ? digestsOf(Object.entries(item.hashes)) : {},
    requiresPython: text(item["requires-python"]),
    coreMetadata: jsonMetadata(item["core-metadata"] ?? item["data-dist-info-metadata"]),
    yanked: item.yanked === true ? "" : item.yanked === false ? null : text(item.yanked),
    size: count(item.size),
    uploadTime: timeOf(item["upload-time"]),
    provenance: provenanceUrl(item.provenance, base),
  };
}

/** One entry of `projects`; undefined for one without a name. */
export function jsonProject(item: unknown): ListedProject | undefined {
  if (!isEntry(item)) throw new Malformed("an entry of 'projects' is no object");
  const { name } = item;
  if (typeof name !== "string" || name === "") return undefined;
  return { name, lastSerial: count(item["_last-serial"]) };
}

/** `_last-serial` of `meta`, which also says whether we can read the rest (PEP 629, 691). */
export function lastSerialOf(meta: unknown): number | null {
  if (!isEntry(meta)) return null;
  refuseVersion(meta["api-version"]);
  return count(meta["_last-serial"]);
}

/** @throws `Malformed` for a major version that may mean anything (PEP 629). */
export function refuseVersion(version: unknown): void {
  if (typeof version !== "string" || /^1(?:\.|$)/.test(version)) return;
  throw new Malformed(`its API version is ${JSON.stringify(version.slice(0, 20))}, not 1`);
}

/** `status` of `project-status` (PEP 792). */
export const statusOf = (value: unknown): string | null =>
  isEntry(value) ? text(value.status) : null;

function jsonMetadata(value: unknown): IndexFile["coreMetadata"] {
  if (!isEntry(value)) return value === true;
  const { sha256 } = digestsOf(Object.entries(value));
  return sha256 === undefined ? true : { sha256 };
}

/** Absolute, or null. */
export function provenanceUrl(value: unknown, base: string): string | null {
  return typeof value === "string" && value !== "" ? (fileUrl(value, base)?.href ?? null) : null;
}

export const isEntry = (value: unknown): value is Entry =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const text = (value: unknown): string | null => (typeof value === "string" ? value : null);

const count = (value: unknown): number | null =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;

const timeOf = (value: unknown): string | null =>
  typeof value === "string" && !Number.isNaN(Date.parse(value)) ? value : null;

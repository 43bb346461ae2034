import type { Json, JsonObject } from "#base/json.ts";
import { versionKey } from "./pep440.ts";

/** Yanked releases of one project: version as it was asked for → reason, or null without one. */
export type Yanks = ReadonlyMap<string, string | null>;

/** The document of an index is none of the JSON API of projects. */
export class UnknownDocument extends Error {}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Which of some versions are yanked: the index has files of them, and every one of these is yanked.
 *
 * @param document `/pypi/<project>/json`: `{"releases": {version: [{yanked, yanked_reason}, …]}}`.
 * @throws `UnknownDocument`
 */
export function yanksIn(document: Json | undefined, versions: Iterable<string>): Yanks {
  const releases = isObject(document) ? document.releases : undefined;
  if (!isObject(releases)) throw new UnknownDocument("The index answered without `releases`.");
  const files = new Map<string, readonly JsonObject[]>();
  for (const [version, list] of Object.entries(releases)) {
    const key = versionKey(version);
    files.set(key, [...(files.get(key) ?? []), ...filesOf(list)]);
  }
  const yanks = new Map<string, string | null>();
  for (const version of versions) {
    const found = files.get(versionKey(version)) ?? [];
    if (found.length > 0 && found.every(({ yanked }) => yanked === true))
      yanks.set(version, reasonIn(found));
  }
  return yanks;
}

function filesOf(list: Json | undefined): readonly JsonObject[] {
  if (!Array.isArray(list) || !list.every(isObject))
    throw new UnknownDocument("The index answered with a release that is no list of files.");
  return list;
}

function reasonIn(files: readonly JsonObject[]): string | null {
  const reasons = files.map(({ yanked_reason: reason }) => reason);
  return reasons.find((one): one is string => typeof one === "string" && one !== "") ?? null;
}

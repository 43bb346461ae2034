import type { Json, JsonObject } from "#base/json.ts";
import { prn } from "#base/prn.ts";
import { fullPath, resourcePrn } from "./api-index.ts";
import type { Fields, Resource, Row } from "./resource.ts";
import { globalHref, href, type View } from "./view.ts";

/** Which keys the asker wants (core-rest §3.2); undefined is all. */
export interface Selection {
  readonly only?: ReadonlySet<string>;
  readonly without?: ReadonlySet<string>;
}

const ALL: Selection = {};

/** `fields` and `exclude_fields`, repeated or with commas. */
export function selectionOf(query: URLSearchParams): Selection {
  const words = (name: string) =>
    new Set(
      query
        .getAll(name)
        .flatMap((text) => text.split(","))
        .filter((word) => word !== ""),
    );
  const only = words("fields");
  const without = words("exclude_fields");
  if (only.size === 0 && without.size === 0) return ALL;
  return { ...(only.size > 0 ? { only } : {}), ...(without.size > 0 ? { without } : {}) };
}

/** The same within the short form, where the resource has one and `minimal=true` asks for it. */
export function selectionFor(
  { minimal, isAlwaysWhole }: Resource,
  query: URLSearchParams,
): Selection {
  if (isAlwaysWhole) return ALL;
  const selection = selectionOf(query);
  if (!minimal || query.get("minimal")?.toLowerCase() !== "true") return selection;
  const keys = minimal.keys.filter((key) => selection.only?.has(key) ?? true);
  return { ...selection, only: new Set(keys) };
}

const isWanted = ({ only, without }: Selection, name: string): boolean =>
  (only === undefined || only.has(name)) && !without?.has(name);

export const keyOf = (row: Row): string | number => row.$key as string | number;

/** Href of a row of the resource. */
export function rowHref(resource: Resource, row: Row, view: View): string {
  if (resource.address) return resource.address(row, view);
  return `${collectionHref(resource, view)}${keyOf(row)}/`;
}

function collectionHref(resource: Resource, view: View): string {
  const path = `${fullPath(resource)}/`;
  return resource.source.domain === null ? globalHref(view, path) : href(view, path);
}

/** The object as the wire shows it; keys in the order of the description. */
export const present = (resource: Resource, row: Row, options: PresentOptions): JsonObject =>
  presenter(resource, options)(row);

/** Shows rows, many of which a list has: what is the same for all is worked out once. */
export function presenter(
  resource: Resource,
  { view, selection = ALL, fields = resource.fields }: PresentOptions,
): (row: Row) => JsonObject {
  const members: [name: string, read: (row: Row) => Json][] = [];
  for (const name of resource.common ?? COMMON) {
    if (isWanted(selection, name)) members.push([name, commonReader(resource, name, view)]);
  }
  for (const [name, { read, writeOnly, hidden }] of Object.entries(fields)) {
    if (writeOnly || hidden || !isWanted(selection, name)) continue;
    members.push([name, read ? (row) => read(row, view) : plainReader(name)]);
  }
  return (row) => {
    const object: Record<string, Json> = {};
    for (const [name, read] of members) object[name] = read(row);
    return object;
  };
}

const plainReader =
  (name: string) =>
  (row: Row): Json =>
    (row[name] ?? null) as Json;

export interface PresentOptions {
  readonly view: View;
  readonly selection?: Selection;
  readonly fields?: Fields;
}

const COMMON = ["pulp_href", "prn", "pulp_created", "pulp_last_updated"] as const;

function commonReader(
  resource: Resource,
  name: (typeof COMMON)[number],
  view: View,
): (row: Row) => Json {
  if (name === "pulp_href") {
    if (resource.address) return (row) => rowHref(resource, row, view);
    const folder = collectionHref(resource, view);
    return (row) => `${folder}${keyOf(row)}/`;
  }
  if (name !== "prn") return plainReader(name);
  const idOf = (row: Row): string => String(row.$prn ?? keyOf(row));
  const { rowModel } = resource;
  return rowModel
    ? (row) => prn(rowModel(row, view), idOf(row))
    : (row) => resourcePrn(resource, idOf(row));
}

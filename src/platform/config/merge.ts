import { type Change, castValue, Pending } from "./parse-value.ts";

export type Tree = { [name: string]: unknown };

/**
 * Sets one value in a tree of settings, applying what it says about the value below it: casts that
 * change (`@merge`, `@del`, …) and the markers `dynaconf_merge` and `dynaconf_merge_unique`.
 *
 * @param path names from the top; `["DATABASES", "default", "HOST"]`. Missing maps are made.
 */
export function setPath(tree: Tree, path: readonly string[], value: unknown): void {
  const [head, ...rest] = path;
  if (head === undefined) return;
  const name = sameName(tree, head);
  if (rest.length > 0) {
    const below = tree[name];
    const map = isTree(below) ? below : {};
    tree[name] = map;
    setPath(map, rest, value);
    return;
  }
  const result = combine(tree[name], value);
  if (result === REMOVED) delete tree[name];
  else tree[name] = result;
}

const REMOVED = Symbol("removed");

/** Names differ in case between files and variables: an existing one is used. */
function sameName(tree: Tree, name: string): string {
  if (Object.hasOwn(tree, name)) return name;
  const wanted = name.toLowerCase();
  return Object.keys(tree).find((known) => known.toLowerCase() === wanted) ?? name;
}

function combine(below: unknown, value: unknown): unknown {
  if (value instanceof Pending) return change(below, value.change);
  const marked = takeMarker(value);
  if (marked) return merged(below, marked.value, marked.isUnique);
  return resolved(value);
}

function change(below: unknown, pending: Change): unknown {
  switch (pending.change) {
    case "merge":
      return merged(below, pending.value, pending.isUnique);
    case "insert":
      return inserted(below, pending);
    case "delete":
      return REMOVED;
    case "keep":
      return below === undefined ? REMOVED : below;
    case "reset":
      return resolved(pending.value);
    case "format":
      return new Pending(pending);
  }
}

function inserted(below: unknown, { index, value }: { index: number; value: unknown }): unknown {
  const list = Array.isArray(below) ? [...below] : [];
  list.splice(index, 0, resolved(value));
  return list;
}

/** Lists: what is below first. Maps: key by key, the new value wins. */
function merged(below: unknown, value: unknown, isUnique: boolean): unknown {
  if (Array.isArray(value)) {
    const list = Array.isArray(below) ? below : [];
    const kept = isUnique ? list.filter((item) => !value.includes(item)) : list;
    return [...kept, ...value.map(resolved)];
  }
  if (!isTree(value)) return resolved(value);
  const result: Tree = isTree(below) ? { ...below } : {};
  for (const [name, item] of Object.entries(value)) mergeItem(result, name, item);
  return result;
}

function mergeItem(result: Tree, name: string, item: unknown): void {
  const known = sameName(result, name);
  const isPlain = !(item instanceof Pending) && (isTree(item) || Array.isArray(item));
  const next = isPlain ? merged(result[known], item, false) : combine(result[known], item);
  if (next === REMOVED) delete result[known];
  else result[known] = next;
}

interface Marked {
  readonly value: unknown;
  readonly isUnique: boolean;
}

const MARKERS = ["dynaconf_merge", "dynaconf_merge_unique"] as const;

/** Takes the marker out of a map or a list; undefined if there is none. */
function takeMarker(value: unknown): Marked | undefined {
  for (const marker of MARKERS) {
    const isUnique = marker === "dynaconf_merge_unique";
    if (Array.isArray(value) && value.includes(marker)) {
      return { value: value.filter((item) => item !== marker), isUnique };
    }
    if (isTree(value) && marker in value) {
      const { [marker]: on, ...rest } = value;
      if (on === true) return { value: rest, isUnique };
      // `dynaconf_merge = [..]` holds the list itself.
      if (Array.isArray(on)) return { value: on, isUnique };
    }
  }
  return undefined;
}

/** Casts inside maps and lists that have nothing below them. */
function resolved(value: unknown): unknown {
  const cast = typeof value === "string" ? castValue(value) : value;
  if (cast instanceof Pending) {
    return cast.change.change === "format" ? cast : withoutBelow(cast.change);
  }
  if (Array.isArray(cast)) return cast.map(resolved);
  if (!isTree(cast)) return cast;
  const result: Tree = {};
  for (const [name, item] of Object.entries(cast)) {
    const next = combine(undefined, typeof item === "string" ? castValue(item) : item);
    if (next !== REMOVED) result[name] = next;
  }
  return result;
}

function withoutBelow(pending: Change): unknown {
  const result = change(undefined, pending);
  return result === REMOVED ? null : result;
}

/** A map, as opposed to a list, a scalar or a pending change. */
export const isTree = (value: unknown): value is Tree =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Pending) &&
  !(value instanceof Date);

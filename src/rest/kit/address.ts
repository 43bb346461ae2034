import { parsePrn } from "#base/prn.ts";
import { isUuid } from "#base/uuid7.ts";
import type { Resource } from "./resource.ts";
import type { View } from "./view.ts";

/** An href or PRN taken apart; nothing is looked up. */
export interface Address {
  readonly resource: Resource;
  /** Key in the path: UUID, decimal id or version number. */
  readonly key: string;
  /** Key of the parent of a nested resource; a PRN has none. */
  readonly parent?: string;
}

/** Path of an href below the API root without slashes at its ends; undefined outside the API. */
export function apiPath(text: string, view: View): string | undefined {
  const path = text.replace(/^https?:\/\/[^/]*/i, "").replace(/[?#].*$/, "");
  const tail = belowRoot(path, view);
  return tail?.replace(/^\/+|\/+$/g, "");
}

function belowRoot(path: string, { root, domainEnabled }: View): string | undefined {
  if (!path.startsWith(root)) return undefined;
  const rest = path.slice(root.length);
  const pattern = domainEnabled ? /^[-a-zA-Z0-9_]+\/api\/v[34]\// : /^api\/v[34]\//;
  const match = pattern.exec(rest);
  return match ? rest.slice(match[0].length) : undefined;
}

/** Undefined when no route of ours looks like it, or it names a list. */
export function parseHref(text: string, view: View): Address | undefined {
  const segments = apiPath(text, view)?.split("/") ?? [];
  for (let cut = Math.min(segments.length - 1, 3); cut >= 1; cut -= 1) {
    const resource = view.api.byPath(segments.slice(0, cut).join("/"));
    const key = segments[cut];
    if (resource && key) return nested({ resource, key }, segments.slice(cut + 1), view);
  }
  return undefined;
}

function nested(address: Address, rest: readonly string[], view: View): Address | undefined {
  const [name, key, ...more] = rest;
  if (name === undefined) return hasKeyForm(address) ? address : undefined;
  const child = view.api.byPath(`${pathOf(address.resource)}/{}/${name}`);
  if (!child || key === undefined || more.length > 0) return undefined;
  return { resource: child, key, parent: address.key };
}

const pathOf = (resource: Resource): string => resource.path;

const hasKeyForm = ({ resource, key }: Address): boolean =>
  resource.key === "uuid" ? isUuid(key) : /^\d+$/.test(key);

/** Undefined unless the text is a PRN of a model of ours with a key of its form. */
export function parsePrnAddress(text: string, view: View): Address | undefined {
  const parsed = parsePrn(text);
  const resource = parsed && view.api.byModel(parsed.model);
  if (!parsed || !resource) return undefined;
  // Versions have numbers in hrefs only.
  const isKey = resource.key === "int" ? /^\d{1,9}$/.test(parsed.id) : isUuid(parsed.id);
  return isKey ? { resource, key: parsed.id } : undefined;
}

/** Href or PRN. */
export const parseAddress = (text: string, view: View): Address | undefined =>
  text.startsWith("prn:") ? parsePrnAddress(text, view) : parseHref(text, view);

/** The list that a path is the address of: `repositories/file/file/`. */
export function parseListHref(text: string, view: View): Resource | undefined {
  const path = apiPath(text, view);
  return path === undefined ? undefined : view.api.byPath(path);
}

import { mirrorErrors } from "./errors.ts";

/**
 * Root of an upstream index with a slash at the end. The address of its `simple/` is taken as the
 * root that it is part of, since many know an index by that.
 *
 * @throws `mirrorErrors.noUrl`, `mirrorErrors.scheme`
 */
export function indexRoot(url: string): string {
  if (url === "") throw mirrorErrors.noUrl();
  if (!/^https?:\/\//i.test(url)) throw mirrorErrors.scheme();
  return `${url.replace(/\/+$/, "").replace(/\/simple$/, "")}/`;
}

/** @param name normalised. */
export const pageUrl = (root: string, name: string): string =>
  `${root}simple/${encodeURIComponent(name)}/`;

/** Metadata of a project, or of one release (JSON API). */
export const metadataUrl = (root: string, name: string, version?: string): string =>
  `${root}pypi/${[name, ...(version === undefined ? [] : [version])].map(encodeURIComponent).join("/")}/json`;

/** Where the core metadata of a file lies (PEP 658): beside it, also where a query follows. */
export function metadataFileUrl(url: string): string {
  const [path = "", ...query] = url.split("?");
  return [`${path}.metadata`, ...query].join("?");
}

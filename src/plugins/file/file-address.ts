import { encodePath } from "#base/paths.ts";

/**
 * Makes addresses of files from the address of their manifest: its folder and the path,
 * percent-encoded for http. `file://` takes paths as they are.
 */
export function fileAddress(manifestUrl: string): (relativePath: string) => string {
  if (/^file:\/\//i.test(manifestUrl)) {
    const folder = manifestUrl.slice(0, manifestUrl.lastIndexOf("/") + 1);
    return (path) => folder + path;
  }
  const url = new URL(manifestUrl);
  const folder = url.origin + url.pathname.slice(0, url.pathname.lastIndexOf("/") + 1);
  return (path) => folder + encodePath(path);
}

/** The last part of the address: the name of the manifest. */
export function manifestName(manifestUrl: string): string {
  const path = manifestUrl.replace(/[?#].*$/, "");
  const name = path.slice(path.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(name) || "PULP_MANIFEST";
  } catch {
    return name;
  }
}

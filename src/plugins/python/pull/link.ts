import { createHmac } from "node:crypto";
import { isSameText } from "#base/same-text.ts";

/** A file that an upstream index listed, as the address of our file tells it. */
export interface PulledLink {
  /** `remote.id` */
  readonly remote: string;
  readonly filename: string;
  /** Without query and fragment. */
  readonly url: string;
  /** Hex; null where upstream told none. */
  readonly sha256: string | null;
}

/** Base64url characters: 128 bits. */
const SIGNATURE = 22;

/**
 * Query of our address of a file that upstream has (plugin-python §11). The signature says that the
 * address was on a page of that remote, so nobody makes us fetch another one.
 */
export function pullQuery(key: Buffer, link: PulledLink): string {
  const digest = link.sha256 === null ? "" : `sha256=${link.sha256}&`;
  // Last, since pip appends `.metadata` to the whole address.
  return `${digest}signature=${signed(key, link)}&redirect=${encodeURIComponent(link.url)}`;
}

/** What a request for a file asks for, or undefined if its query is not ours. */
export interface PulledRequest extends PulledLink {
  /** The metadata beside the file (PEP 658) rather than the file. */
  readonly isMetadata: boolean;
}

const METADATA = ".metadata";
const withoutMetadata = (text: string): string =>
  text.endsWith(METADATA) ? text.slice(0, -METADATA.length) : text;

/**
 * Reads the two ways in which clients ask for metadata: pip appends to the query, uv to the path.
 *
 * @param path below the base path.
 */
export function readPullQuery(
  key: Buffer,
  remote: string,
  { path, query }: { readonly path: string; readonly query: URLSearchParams },
): PulledRequest | undefined {
  const redirect = query.get("redirect") ?? "";
  const link = {
    remote,
    filename: withoutMetadata(path),
    url: withoutMetadata(redirect),
    sha256: query.get("sha256"),
  };
  if (!isSameText(query.get("signature") ?? "", signed(key, link))) return undefined;
  return { ...link, isMetadata: path.endsWith(METADATA) || redirect.endsWith(METADATA) };
}

function signed(key: Buffer, { remote, filename, url, sha256 }: PulledLink): string {
  const text = [remote, filename, url, sha256 ?? ""].join("\n");
  return createHmac("sha256", key).update(text).digest("base64url").slice(0, SIGNATURE);
}

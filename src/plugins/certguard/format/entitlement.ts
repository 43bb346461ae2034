import { type Extension, octets, utf8Text } from "./extensions.ts";
import { MalformedEntitlement } from "./malformed.ts";
import { readPathTree } from "./path-tree.ts";
import { type PathNode, pathNode, treeOfPaths } from "./paths.ts";

const ARC = "1.3.6.1.4.1.2312.9";
const VERSION = `${ARC}.6`;
const PAYLOAD = `${ARC}.7`;
const CONTENT_PATH = new RegExp(`^${ARC.replaceAll(".", "\\.")}\\.2\\.\\d+\\.1\\.6$`);

/**
 * The paths that an entitlement certificate names; none of them where it is no such certificate.
 *
 * Without a version it is of version 1, which has a path in each of the extensions
 * `….9.2.<n>.1.6`; from version 3 on all paths are packed into `….9.7`.
 *
 * @throws `MalformedEntitlement`
 * @see core-rest §8.9
 */
export function entitledPaths(extensions: ReadonlyMap<string, Extension>): PathNode {
  const major = majorVersion(extensions.get(VERSION));
  if (major === 1) return treeOfPaths(writtenPaths(extensions));
  if (major < 3) throw new MalformedEntitlement(`Entitlements of version ${major} are unknown.`);
  const payload = extensions.get(PAYLOAD);
  if (payload === undefined) return pathNode();
  const bytes = octets(payload.value);
  if (bytes === undefined) throw new MalformedEntitlement("The payload is no OCTET STRING.");
  return readPathTree(bytes);
}

function majorVersion(extension: Extension | undefined): number {
  if (extension === undefined) return 1;
  const [, major] = /^(\d{1,4})(?:\.|$)/.exec(utf8Text(extension.value) ?? "") ?? [];
  if (major === undefined) throw new MalformedEntitlement("The version is no number.");
  return Number(major);
}

function writtenPaths(extensions: ReadonlyMap<string, Extension>): readonly string[] {
  const paths: string[] = [];
  for (const { oid, value } of extensions.values()) {
    if (!CONTENT_PATH.test(oid)) continue;
    const path = utf8Text(value);
    if (path === undefined) throw new MalformedEntitlement("A content path is no UTF8String.");
    paths.push(path);
  }
  return paths;
}

import { parseFilename } from "../filename.ts";
import { Malformed } from "../malformed.ts";
import { normalizeName } from "../names.ts";
import type { ByteSource } from "./byte-source.ts";
import { byDepth, shown } from "./member-name.ts";
import { isMetadata, isPackageInfo, type MetadataMember } from "./metadata-member.ts";
import { readZipDirectory, type ZipMember } from "./zip-directory.ts";
import { readZipMember } from "./zip-member.ts";

const IN_DIST_INFO = /^[^/]+\.dist-info\/METADATA$/;

/**
 * METADATA of a wheel: the one in its folder of information, or in files that have none, the one
 * with the fewest folders above it.
 */
export async function wheelMetadata(source: ByteSource, filename: string): Promise<MetadataMember> {
  const members = await readZipDirectory(source, (name) => /(?:^|\/)METADATA$/.test(name));
  const proper = members.filter(({ name }) => IN_DIST_INFO.test(name));
  if (proper.length === 0) return await firstOf(source, members, "METADATA");
  const member = proper.length === 1 ? proper[0] : ownOf(proper, filename);
  if (member === undefined)
    throw new Malformed(`The wheel has ${proper.length} folders .dist-info with METADATA.`);
  const bytes = await readZipMember(source, member);
  if (!isMetadata(bytes)) throw new Malformed(`${shown(member.name)} has no Metadata-Version.`);
  return { name: member.name, bytes };
}

/** Of several, the one that is called as the wheel is. */
function ownOf(members: readonly ZipMember[], filename: string): ZipMember | undefined {
  const { name = "", version = "" } = parseFilename(filename) ?? {};
  const own = members.filter((member) => {
    const [folder = ""] = member.name.split(".dist-info/");
    const hyphen = folder.indexOf("-");
    const folderName = normalizeName(folder.slice(0, Math.max(hyphen, 0)));
    return folderName === normalizeName(name) && folder.slice(hyphen + 1) === version;
  });
  return own.length === 1 ? own[0] : undefined;
}

/** PKG-INFO of an egg, which has one place. */
export async function eggMetadata(source: ByteSource): Promise<MetadataMember> {
  const members = await readZipDirectory(source, (name) => name === "EGG-INFO/PKG-INFO");
  return await firstOf(source, members, "EGG-INFO/PKG-INFO");
}

/** PKG-INFO of a source archive: the one with the fewest folders above it. */
export async function sourceZipMetadata(source: ByteSource): Promise<MetadataMember> {
  return await firstOf(source, await readZipDirectory(source, isPackageInfo), "PKG-INFO");
}

/** Members that are read before the search is given up. */
const MAX_TRIED = 16;

async function firstOf(
  source: ByteSource,
  members: readonly ZipMember[],
  wanted: string,
): Promise<MetadataMember> {
  const sorted = members.toSorted((a, b) => byDepth(a.name, b.name));
  for (const member of sorted.slice(0, MAX_TRIED)) {
    const bytes = await readZipMember(source, member);
    if (isMetadata(bytes)) return { name: member.name, bytes };
  }
  throw new Malformed(`The archive has no ${wanted} with a Metadata-Version.`);
}

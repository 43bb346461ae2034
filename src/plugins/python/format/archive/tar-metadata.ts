import { MAX_METADATA_BYTES, METADATA_TOO_LARGE } from "../core-metadata.ts";
import { Malformed } from "../malformed.ts";
import type { ByteSource } from "./byte-source.ts";
import { bunzipped } from "./bzip2.ts";
import { byDepth, depthOf, shown } from "./member-name.ts";
import { isMetadata, isPackageInfo, type MetadataMember } from "./metadata-member.ts";
import { PulledBytes } from "./pulled-bytes.ts";
import { type TarFile, tarFiles } from "./tar.ts";
import { gunzipped } from "./unpack.ts";
import { endsAsZip } from "./zip-end.ts";

/** Unpacked bytes that are looked through: seconds of work at most. bzip2 is the slower one. */
const MAX_GZIP_BYTES = 1024 ** 3;
const MAX_BZIP2_BYTES = 128 * 1024 ** 2;
const MAX_FOUND = 1000;

/**
 * PKG-INFO of a source archive: the one with the fewest folders above it. One in the folder that
 * such an archive has at its top ends the search.
 */
export async function tarMetadata(source: ByteSource, filename: string): Promise<MetadataMember> {
  if (await endsAsZip(source)) throw new Malformed("The file is a zip archive, too.");
  const isBzip2 = filename.endsWith(".bz2");
  const pieces = isBzip2 ? bunzipped(source) : gunzipped(source);
  try {
    const maxBytes = isBzip2 ? MAX_BZIP2_BYTES : MAX_GZIP_BYTES;
    const found = await bestOf(tarFiles(new PulledBytes(pieces), maxBytes));
    if (found !== undefined) return found;
  } finally {
    await pieces.return(undefined);
  }
  throw new Malformed("The archive has no PKG-INFO with a Metadata-Version.");
}

async function bestOf(files: AsyncIterable<TarFile>): Promise<MetadataMember | undefined> {
  let best: MetadataMember | undefined;
  const seen = new Set<string>();
  for await (const file of files) {
    const name = file.name.replace(/^(?:\.\/+)+/, "");
    if (!isPackageInfo(name)) continue;
    note(name, seen);
    if (best !== undefined && byDepth(name, best.name) > 0) continue;
    best = (await metadataIn(file, name)) ?? best;
    if (best !== undefined && depthOf(best.name) <= 1) break;
  }
  return best;
}

function note(name: string, seen: Set<string>): void {
  if (seen.has(name)) throw new Malformed(`The archive has two members ${shown(name)}.`);
  if (seen.size === MAX_FOUND)
    throw new Malformed(`The archive has more than ${MAX_FOUND} members PKG-INFO.`);
  seen.add(name);
}

async function metadataIn(file: TarFile, name: string): Promise<MetadataMember | undefined> {
  if (file.sizeBytes > MAX_METADATA_BYTES)
    throw new Malformed(`${shown(name)}: ${METADATA_TOO_LARGE}`);
  const bytes = await file.content();
  return isMetadata(bytes) ? { name, bytes } : undefined;
}

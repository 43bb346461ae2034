import { bareMetadata, type CoreMetadata, parseCoreMetadata } from "../core-metadata.ts";
import { extensionText, packageTypeOf, parseFilename } from "../filename.ts";
import { Malformed } from "../malformed.ts";
import { isValidName } from "../names.ts";
import { type ByteSource, withTail } from "./byte-source.ts";
import { shown } from "./member-name.ts";
import type { MetadataMember } from "./metadata-member.ts";
import { tarMetadata } from "./tar-metadata.ts";
import { eggMetadata, sourceZipMetadata, wheelMetadata } from "./zip-metadata.ts";

/** What is read from a distribution. */
export interface Distribution {
  readonly metadata: CoreMetadata;
  /** The METADATA of a wheel as it stands there, which indexes offer beside the wheel (PEP 658). */
  readonly metadataBytes?: Buffer;
}

/**
 * Reads the metadata of a distribution without unpacking more of it than that takes.
 *
 * @param filename decides by its suffix what the file is; a Windows installer says no more.
 * @throws `Malformed` if the suffix is unknown, if the archive is broken or could be read in two
 *   ways, or if its metadata are missing, too large, or have no valid name or no version.
 * @see plugin-python §2.5
 */
export async function readDistribution(
  source: ByteSource,
  filename: string,
): Promise<Distribution> {
  const packagetype = packageTypeOf(filename);
  switch (packagetype) {
    case undefined:
      throw new Malformed(extensionText(filename));
    case "bdist_wininst":
      return { metadata: installerMetadata(filename) };
    case "bdist_wheel": {
      const member = await wheelMetadata(await withTail(source), filename);
      return { metadata: parsed(member), metadataBytes: member.bytes };
    }
    case "bdist_egg":
      return { metadata: parsed(await eggMetadata(await withTail(source))) };
    case "sdist":
      return { metadata: parsed(await sourceMetadata(source, filename)) };
  }
}

const sourceMetadata = async (source: ByteSource, filename: string): Promise<MetadataMember> =>
  filename.endsWith(".zip")
    ? await sourceZipMetadata(await withTail(source))
    : await tarMetadata(source, filename);

function installerMetadata(filename: string): CoreMetadata {
  const parts = parseFilename(filename);
  if (!parts)
    throw new Malformed(`${shown(filename)} does not name a project, a version and a platform.`);
  return bareMetadata(parts.name, parts.version);
}

function parsed({ name, bytes }: MetadataMember): CoreMetadata {
  const metadata = parsedIn(name, bytes);
  if (!isValidName(metadata.name))
    throw new Malformed(`${shown(name)}: The name ${shown(metadata.name)} is not valid.`);
  if (metadata.version === "") throw new Malformed(`${shown(name)}: There is no version.`);
  return metadata;
}

function parsedIn(name: string, bytes: Buffer): CoreMetadata {
  try {
    return parseCoreMetadata(bytes);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Malformed(`${shown(name)}: ${error.message}`, { cause: error });
  }
}

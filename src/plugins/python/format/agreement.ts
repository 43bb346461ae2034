import type { CoreMetadata } from "./core-metadata.ts";
import type { Filename } from "./filename.ts";
import { normalizeName } from "./names.ts";
import { compareVersions, parseVersion } from "./version.ts";

/**
 * What a file name and the metadata inside say differently about the name or the version.
 *
 * Names are compared as indexes do, versions by their value; what is no version, as text. In a file
 * name `-` of a version is written `_`.
 *
 * @returns undefined if they agree, else a sentence for whoever uploads.
 * @see plugin-python §2.7, PEP 427, PEP 440, PEP 625
 */
export function disagreement(
  filename: Filename,
  metadata: Pick<CoreMetadata, "name" | "version">,
): string | undefined {
  if (normalizeName(filename.name) !== normalizeName(metadata.name))
    return `The file name says '${filename.name}', the metadata say '${metadata.name}'.`;
  if (!isSameVersion(filename.version, metadata.version))
    return `The file name says version '${filename.version}', the metadata say '${metadata.version}'.`;
  return undefined;
}

function isSameVersion(a: string, b: string): boolean {
  const [first, second] = [parseVersion(a), parseVersion(b)];
  if (first && second) return compareVersions(first, second) === 0;
  return a.replaceAll("_", "-") === b.replaceAll("_", "-");
}

import type { DeclaredUnit, RemoteSession } from "#sdk";
import { pythonPackage, pythonYank } from "../content.ts";
import { metadataFileUrl } from "./address.ts";
import type { Candidate } from "./filters.ts";
import { metadataDigest, packageRow, storable } from "./package-row.ts";
import type { ReleaseColumns } from "./release-columns.ts";

/** A file whose digest is known, so that it can be a unit. */
export interface Identified extends Candidate {
  readonly sha256: string;
}

/** Those of the files that can be told apart: a package is known by its SHA-256. */
export const identified = (candidates: readonly Candidate[]): Identified[] =>
  candidates.flatMap((candidate) => {
    const { sha256 } = candidate.file.hashes;
    return sha256 === undefined ? [] : [{ ...candidate, sha256 }];
  });

export interface UnitsOf {
  /** Normalised. */
  readonly normalized: string;
  /** As upstream spells it. */
  readonly name: string;
  readonly columns: ReleaseColumns;
  readonly policy: RemoteSession["policy"];
}

/** A file as a unit: the file itself, and for a wheel the metadata beside it (PEP 658). */
export function packageUnit(candidate: Identified, of: UnitsOf): DeclaredUnit {
  const { file, parsed, sha256 } = candidate;
  const sizeBytes = file.size ?? of.columns.sizes.get(file.filename);
  const deferred = of.policy !== "immediate";
  const digest =
    parsed.packagetype === "bdist_wheel" ? metadataDigest(file.coreMetadata) : undefined;
  const row = packageRow(candidate, { ...of, sha256, columns: of.columns.of(parsed.version) });
  const main = {
    relativePath: file.filename,
    urls: [file.url] as const,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    digests: { sha256 },
    deferred,
  };
  const beside = {
    relativePath: `${file.filename}.metadata`,
    urls: [metadataFileUrl(file.url)] as const,
    digests: digest === undefined ? {} : { sha256: digest },
    deferred,
  };
  return {
    type: pythonPackage,
    row: sizeBytes === undefined ? row : { ...row, size: sizeBytes },
    files: digest === undefined ? [main] : [main, beside],
  };
}

/** One marker per release of which a file is yanked (PEP 592). */
export function yankUnits(normalized: string, candidates: readonly Candidate[]): DeclaredUnit[] {
  const reasons = new Map<string, string>();
  for (const { file, parsed } of candidates)
    if (file.yanked !== null && !reasons.has(parsed.version))
      reasons.set(parsed.version, storable(file.yanked));
  return [...reasons].map(([version, reason]) => ({
    type: pythonYank,
    row: { name_normalized: normalized, version, yanked_reason: reason },
    files: [],
  }));
}

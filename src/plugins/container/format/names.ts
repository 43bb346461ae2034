import { type Algorithm, isHexDigest } from "#base/digests.ts";

/** Algorithms that content can be addressed by. */
export const ADDRESSABLE = ["sha256", "sha512"] as const satisfies readonly Algorithm[];
export type AddressAlgorithm = (typeof ADDRESSABLE)[number];

export interface Digest {
  readonly algorithm: AddressAlgorithm;
  /** Lower case. */
  readonly hex: string;
}

const SEGMENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
/** Beyond this no algorithm writes, and an index entry of the database does not hold much more. */
const DIGEST = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]{1,256}$/;

export const MAX_NAME_LENGTH = 255;

/** Whether every segment of the path may be part of a repository's name, whatever its length. */
export const hasNameCharacters = (name: string): boolean =>
  name.split("/").every((segment) => SEGMENT.test(segment));

/** A repository's name: OCI distribution-spec v1.1, "Pulling manifests". */
export const isRepositoryName = (name: string): boolean =>
  name.length <= MAX_NAME_LENGTH && hasNameCharacters(name);

/** OCI distribution-spec v1.1, "Pulling manifests". */
export const isTag = (text: string): boolean => TAG.test(text);

/** A digest of an algorithm that we know; undefined otherwise. */
export function parseDigest(text: string): Digest | undefined {
  const algorithm = ADDRESSABLE.find((each) => text.startsWith(`${each}:`));
  if (!algorithm) return undefined;
  const hex = text.slice(algorithm.length + 1);
  return isHexDigest(algorithm, hex) ? { algorithm, hex } : undefined;
}

/**
 * Whether the text is a digest by the grammar; those of algorithms that we know have to be right.
 *
 * @see OCI image-spec v1.1, "Digests".
 */
export function isDigest(text: string): boolean {
  if (text.length > 300 || !DIGEST.test(text)) return false;
  return (
    ADDRESSABLE.every((each) => !text.startsWith(`${each}:`)) || parseDigest(text) !== undefined
  );
}

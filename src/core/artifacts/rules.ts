import { ALGORITHMS, type Algorithm, type Digests } from "#base/digests.ts";
import { objectError } from "#base/errors.ts";
import { isUuid } from "#base/uuid7.ts";
import type { SealedFile } from "#platform/storage/storage.ts";
import type { DomainRef } from "../ctx.ts";
import type { ExpectedFile } from "./types.ts";

/** Name of an artifact's object; the default domain has no folder of its own (core-content §2.1). */
export function objectName(domain: Pick<DomainRef, "id" | "name">, sha256: string): string {
  const folder = domain.name === "default" ? "artifact" : `artifact/${domain.id}`;
  return `${folder}/${sha256.slice(0, 2)}/${sha256.slice(2)}`;
}

/** Which row says that an object is needed. */
export type ObjectOwner =
  | { readonly kind: "artifact"; readonly sha256: string }
  | { readonly kind: "chunk"; readonly id: string }
  | { readonly kind: "temporary"; readonly id: string }
  /** Only a row that names the object itself. */
  | { readonly kind: "other" };

/** @param chunkFolder `CHUNKED_UPLOAD_DIR` */
export function objectOwner(
  domain: Pick<DomainRef, "id" | "name">,
  object: string,
  chunkFolder: string,
): ObjectOwner {
  const sha256 = object.slice(-65).replace("/", "");
  if (/^[0-9a-f]{64}$/.test(sha256) && objectName(domain, sha256) === object)
    return { kind: "artifact", sha256 };
  const chunk = object.slice(-36);
  if (isUuid(chunk) && chunkName(chunkFolder, chunk) === object)
    return { kind: "chunk", id: chunk };
  const [, head = "", tail = ""] = /^tmp\/files\/([^/]+)\/([^/]+)$/.exec(object) ?? [];
  if (isUuid(head + tail)) return { kind: "temporary", id: head + tail };
  return { kind: "other" };
}

export const chunkName = (chunkFolder: string, id: string): string =>
  `${chunkFolder.replace(/^\/+|\/+$/g, "")}/${id}`;

/**
 * Compares what was received with what its sender said.
 *
 * @throws ValidationError with the texts of core-content §9.2.
 */
export function checkExpected(sealed: SealedFile, { expected, sizeBytes }: ExpectedFile): void {
  if (sizeBytes !== undefined && sizeBytes !== sealed.sizeBytes)
    throw objectError("The size did not match actual size of file.");
  for (const [algorithm, digest] of givenDigests(expected)) {
    const actual = sealed.digests[algorithm];
    if (actual !== undefined && actual !== digest.toLowerCase())
      throw objectError(`The ${algorithm} checksum did not match.`);
  }
}

/** @throws ValidationError when the sender gives a digest that this service does not keep. */
export function refuseForbidden(
  expected: Digests | undefined,
  allowed: readonly Algorithm[],
): void {
  const forbidden = givenDigests(expected).flatMap(([name]) =>
    allowed.includes(name) ? [] : [`'${name}'`],
  );
  if (forbidden.length > 0)
    throw objectError(
      `Checksum algorithms [${forbidden.join(", ")}] forbidden for this Pulp instance.`,
    );
}

const givenDigests = (digests: Digests = {}): [Algorithm, string][] =>
  ALGORITHMS.flatMap((name) => {
    const digest = digests[name];
    return digest === undefined ? [] : [[name, digest] as [Algorithm, string]];
  });

/** The text that clients get for a file that is stored already. */
export const alreadyExists = (sha256: string): string =>
  `Artifact with sha256 checksum of '${sha256}' already exists.`;

import { createHash } from "node:crypto";
import { isRelativePath } from "#base/paths.ts";
import { storageErrors } from "../errors.ts";
import type { OciOptions } from "./options.ts";

/** Where the bytes of an object are: under a tag of their own, or a blob that is named itself. */
export type Place =
  | { readonly kind: "tag"; readonly tag: string }
  | { readonly kind: "blob"; readonly digest: string };

const REFERENCE = /^(.+)@(sha256:[0-9a-f]{64})$/;

/**
 * Registries name blobs by digests and forget those that no manifest lists. So an object is a
 * manifest under the digest of its name. Rows of the peer name blobs of the same repository as
 * `registry/repository@sha256:hex`.
 *
 * @throws `storageErrors.name`; `storageErrors.reference` for a blob of elsewhere.
 */
export function placeOf(
  object: string,
  { registry, repository }: Pick<OciOptions, "registry" | "repository">,
): Place {
  if (!isRelativePath(object)) throw storageErrors.name(object);
  if (!object.includes("@")) return { kind: "tag", tag: `object-${hex(object)}` };
  const [, place, digest] = REFERENCE.exec(object) ?? [];
  if (place !== `${registry}/${repository}` || digest === undefined)
    throw storageErrors.reference(object);
  return { kind: "blob", digest };
}

const hex = (text: string): string => createHash("sha256").update(text).digest("hex");

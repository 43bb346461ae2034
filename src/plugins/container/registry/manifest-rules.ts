import type { ManifestFacts } from "../format/manifest.ts";

/** gzip of an empty tar, which every repository has (plugin-container §2.5). */
export const EMPTY_LAYER_DIGEST =
  "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4";

/**
 * Blobs that a manifest needs and that are not present. What others must not hand out may be absent,
 * and what the descriptor carries itself; children of an index, too (plugin-container §7.5).
 */
export function missingBlobs(
  { references }: Pick<ManifestFacts, "references">,
  present: ReadonlyMap<string, { readonly kind: "blob" | "manifest" }>,
): readonly string[] {
  const needed = references.filter(
    ({ kind, isForeign, isInline, digest }) =>
      kind !== "child" && !isForeign && !isInline && digest !== EMPTY_LAYER_DIGEST,
  );
  const missing = needed.filter(({ digest }) => present.get(digest)?.kind !== "blob");
  return [...new Set(missing.map(({ digest }) => digest))];
}

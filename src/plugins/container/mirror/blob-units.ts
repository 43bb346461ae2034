import type { DeclaredUnit, Policy } from "#sdk";
import { containerBlob } from "../content.ts";
import type { Reference } from "../format/manifest.ts";
import { isManifestType } from "../format/media-types.ts";
import { parseDigest } from "../format/names.ts";
import { type UpstreamPlace, upstreamUrl } from "../upstream/names.ts";
import { isDeferred } from "./options.ts";

/** Whether a reference is to a manifest; an index may also list blobs (build caches do). */
export const isChild = ({ kind, mediaType }: Reference): boolean =>
  kind === "child" && isManifestType(mediaType);

/** Whether a reference is to a blob that a mirror has to have (plugin-container §5, 7). */
export const isMirroredBlob = (reference: Reference): boolean =>
  !isChild(reference) && !reference.isForeign && parseDigest(reference.digest) !== undefined;

/** A blob as a unit: a configuration is always downloaded, a layer as the policy says. */
export function blobUnit(
  { digest, size, kind }: Reference,
  { place, policy }: { readonly place: UpstreamPlace; readonly policy: Policy },
): DeclaredUnit {
  const parsed = parseDigest(digest);
  return {
    type: containerBlob,
    row: { digest, size },
    files: [
      {
        relativePath: digest,
        urls: [upstreamUrl(place, "blobs", digest)],
        ...(size === null ? {} : { sizeBytes: size }),
        digests: parsed ? { [parsed.algorithm]: parsed.hex } : {},
        deferred: kind !== "config" && isDeferred(policy),
      },
    ],
  };
}

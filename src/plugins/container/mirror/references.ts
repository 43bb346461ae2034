import { mapBounded } from "#base/parallel.ts";
import type { ManifestFacts } from "../format/manifest.ts";
import { aboutUpstream, upstreamErrors } from "../upstream/errors.ts";
import { upstreamDigest, upstreamManifest } from "../upstream/registry.ts";
import type { MirrorSync } from "./mirror-sync.ts";

/** A tag or digest that a remote takes. */
export interface Wanted {
  readonly reference: string;
  /** Null for what is wanted without a tag. */
  readonly tag: string | null;
}

/** What upstream says about a reference. */
export type Asked =
  | {
      readonly kind: "found";
      readonly wanted: Wanted;
      readonly digest: string;
      /** Where it had to be read to be known. */
      readonly facts: ManifestFacts | undefined;
    }
  | { readonly kind: "failed"; readonly wanted: Wanted; readonly error: Error };

/** Bytes of manifests that are kept from being read to the next step. */
const MOST_BYTES = 8 * 1024 * 1024;

/** Which manifests tags point at now: one HEAD each, and a GET only where that tells nothing. */
export async function askFor(
  { job, remote, upstream }: MirrorSync,
  batch: readonly Wanted[],
): Promise<Asked[]> {
  const { signal } = job;
  let bytes = 0;
  return mapBounded(batch, remote.concurrency, async (wanted): Promise<Asked> => {
    const { reference, tag } = wanted;
    if (tag === null) return { kind: "found", wanted, digest: reference, facts: undefined };
    try {
      const digest = await upstreamDigest(upstream, { reference, signal });
      if (digest === null) throw upstreamErrors.gone(reference);
      if (digest !== undefined) return { kind: "found", wanted, digest, facts: undefined };
      const facts = await upstreamManifest(upstream, { reference, signal });
      if (facts === null) throw upstreamErrors.gone(reference);
      bytes += facts.bytes.length;
      return {
        kind: "found",
        wanted,
        digest: facts.digest,
        facts: bytes > MOST_BYTES ? undefined : facts,
      };
    } catch (error) {
      signal.throwIfAborted();
      return { kind: "failed", wanted, error: aboutUpstream(error) };
    }
  });
}

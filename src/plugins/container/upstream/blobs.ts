import { askRegistry, statusError } from "./ask.ts";
import { upstreamErrors } from "./errors.ts";
import { upstreamUrl } from "./names.ts";
import type { ManifestQuestion, UpstreamRepository } from "./registry.ts";
import { shown } from "./whole-body.ts";

/**
 * Bytes of a blob; undefined if the upstream does not tell.
 *
 * @returns null where there is none.
 */
export function blobSize(
  { remote, place }: UpstreamRepository,
  { reference: digest, signal }: ManifestQuestion,
): Promise<number | undefined | null> {
  const url = upstreamUrl(place, "blobs", digest);
  return askRegistry(remote, { url, method: "HEAD", signal }, async (answer) => {
    if (answer.status === 404) return null;
    if (answer.status !== 200) throw statusError(answer);
    const claimed = answer.headers["docker-content-digest"] ?? digest;
    if (claimed !== digest) throw upstreamErrors.digest(shown(url), digest, claimed);
    const length = answer.headers["content-length"];
    return length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : undefined;
  });
}

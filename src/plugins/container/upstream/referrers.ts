import { MAX_MANIFEST_BYTES, Malformed, readManifest } from "../format/manifest.ts";
import { OCI_INDEX } from "../format/media-types.ts";
import { parseDigest } from "../format/names.ts";
import { askRegistry, statusError } from "./ask.ts";
import { upstreamErrors } from "./errors.ts";
import { nextPage } from "./link.ts";
import { upstreamUrl } from "./names.ts";
import type { UpstreamRepository } from "./registry.ts";
import { shown, wholeBody } from "./whole-body.ts";

/** Pages of one list; an upstream that goes on is not believed. */
const MOST_PAGES = 100;

/**
 * Digests of what is attached to a manifest, by the referrers API (OCI distribution-spec v1.1).
 *
 * @returns undefined where the upstream has no such API: then tags named after the digest tell.
 */
export async function upstreamReferrers(
  { remote, place }: UpstreamRepository,
  digest: string,
  signal: AbortSignal,
): Promise<string[] | undefined> {
  const found = new Set<string>();
  let url: string | undefined = upstreamUrl(place, "referrers", digest);
  for (let page = 0; url !== undefined && page < MOST_PAGES; page += 1) {
    const answer: ReferrersPage | undefined = await referrersPage(remote, url, signal);
    if (!answer) return page === 0 ? undefined : [...found];
    for (const each of answer.digests) if (parseDigest(each)) found.add(each);
    url = answer.next;
  }
  return [...found];
}

interface ReferrersPage {
  readonly digests: readonly string[];
  readonly next: string | undefined;
}

const referrersPage = (
  remote: UpstreamRepository["remote"],
  url: string,
  signal: AbortSignal,
): Promise<ReferrersPage | undefined> =>
  askRegistry(remote, { url, headers: { accept: OCI_INDEX }, signal }, async (answer) => {
    if (ABSENT.has(answer.status)) return undefined;
    if (answer.status !== 200) throw statusError(answer);
    if (!isIndex(answer.headers["content-type"])) return undefined;
    const bytes = await wholeBody(answer, MAX_MANIFEST_BYTES);
    const digests = indexDigests(bytes, shown(url));
    return { digests, next: nextPage(answer.headers.link, answer.url) };
  });

/** How registries say that they have no such API. */
const ABSENT = new Set([400, 404, 405, 501]);

function indexDigests(bytes: Buffer, url: string): string[] {
  try {
    const { references } = readManifest(bytes, { contentType: OCI_INDEX });
    return references.map(({ digest }) => digest);
  } catch (error) {
    if (error instanceof Malformed) throw upstreamErrors.answer(url, error.message);
    throw error;
  }
}

const isIndex = (contentType = ""): boolean => contentType.split(";")[0]?.trim() === OCI_INDEX;

import {
  MAX_MANIFEST_BYTES,
  Malformed,
  type ManifestFacts,
  readManifest,
} from "../format/manifest.ts";
import {
  DOCKER_LIST,
  DOCKER_MANIFEST,
  OCI_INDEX,
  OCI_MANIFEST,
  SCHEMA1,
  SCHEMA1_SIGNED,
} from "../format/media-types.ts";
import { parseDigest } from "../format/names.ts";
import { type Asker, askRegistry, statusError } from "./ask.ts";
import { upstreamErrors } from "./errors.ts";
import { type UpstreamPlace, upstreamUrl } from "./names.ts";
import { shown, type UpstreamAnswer, wholeBody } from "./whole-body.ts";

/** What upstreams are asked for; some registries refuse a longer header (plugin-container §2.3). */
export const MANIFEST_ACCEPT = [
  ...[DOCKER_MANIFEST, SCHEMA1, SCHEMA1_SIGNED],
  ...[DOCKER_LIST, OCI_INDEX, OCI_MANIFEST],
].join(", ");

/** One repository of an upstream registry. */
export interface UpstreamRepository {
  readonly remote: Asker;
  readonly place: UpstreamPlace;
}

export interface ManifestQuestion {
  /** Tag or digest. */
  readonly reference: string;
  readonly signal: AbortSignal;
}

/**
 * The digest that a reference has now, by HEAD, which costs nobody's pull limit; undefined if the
 * upstream does not tell it.
 *
 * @returns null where there is no such manifest.
 * @throws why the upstream cannot be asked.
 */
export function upstreamDigest(
  { remote, place }: UpstreamRepository,
  { reference, signal }: ManifestQuestion,
): Promise<string | null | undefined> {
  const url = upstreamUrl(place, "manifests", reference);
  const headers = { accept: MANIFEST_ACCEPT };
  return askRegistry(remote, { url, method: "HEAD", headers, signal }, async (answer) => {
    if (answer.status === 404) return null;
    // Registries without HEAD are asked by GET.
    if (answer.status === 405 || answer.status === 501) return undefined;
    if (answer.status !== 200) throw statusError(answer);
    return digestHeader(answer);
  });
}

/**
 * A manifest, read and checked: its bytes have the digest that was asked for, or that the answer
 * claims.
 *
 * @returns null where there is none.
 * @throws why it cannot be had, or `upstreamErrors.answer` for what is none.
 */
export function upstreamManifest(
  { remote, place }: UpstreamRepository,
  { reference, signal }: ManifestQuestion,
): Promise<ManifestFacts | null> {
  const url = upstreamUrl(place, "manifests", reference);
  const headers = { accept: MANIFEST_ACCEPT };
  return askRegistry(remote, { url, headers, signal }, async (answer) => {
    if (answer.status === 404) return null;
    if (answer.status !== 200) throw statusError(answer);
    const bytes = await wholeBody(answer, MAX_MANIFEST_BYTES);
    const expected = parseDigest(reference) ? reference : digestHeader(answer);
    return verifiedManifest(bytes, { answer, expected });
  });
}

function verifiedManifest(
  bytes: Buffer,
  from: { readonly answer: UpstreamAnswer; readonly expected: string | undefined },
): ManifestFacts {
  const { answer, expected } = from;
  const algorithm = expected === undefined ? undefined : parseDigest(expected)?.algorithm;
  const contentType = answer.headers["content-type"];
  const facts = readable(shown(answer.url), () =>
    readManifest(bytes, {
      ...(contentType === undefined ? {} : { contentType }),
      ...(algorithm === undefined ? {} : { algorithm }),
    }),
  );
  if (expected !== undefined && facts.digest !== expected)
    throw upstreamErrors.digest(shown(answer.url), expected, facts.digest);
  return facts;
}

/** Says of what was malformed where it came from. */
function readable<Value>(url: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) throw upstreamErrors.answer(url, error.message);
    throw error;
  }
}

/** A digest of an algorithm that we know; others are as good as none. */
function digestHeader({ headers }: UpstreamAnswer): string | undefined {
  const digest = headers["docker-content-digest"] ?? "";
  return parseDigest(digest) ? digest : undefined;
}

import { MalformedMessage } from "../format/openpgp.ts";
import { readSimpleSignature, type SimpleSignature } from "../format/simple-signing.ts";
import { type Asker, askRegistry, statusError } from "./ask.ts";
import { upstreamErrors } from "./errors.ts";
import { apiRoot, type UpstreamPlace, upstreamName } from "./names.ts";
import type { UpstreamRepository } from "./registry.ts";
import { shown, wholeBody } from "./whole-body.ts";

/** Where the signatures of an upstream are (plugin-container §5, 1). */
export type SignatureSource =
  | { readonly kind: "none" }
  /** A web server with files. */
  | { readonly kind: "lookaside"; readonly url: string }
  /** The registry itself, by its extension of the API. */
  | { readonly kind: "extension" };

export interface UpstreamSignature extends SimpleSignature {
  /** `<manifest digest>@<32 hex>` */
  readonly name: string;
  readonly bytes: Buffer;
}

const MOST_BYTES = 4_000_000;
/** Of one manifest. */
const MOST_SIGNATURES = 100;

export async function signatureSource(
  { remote, place }: UpstreamRepository,
  { sigstore, signal }: { readonly sigstore: string | null; readonly signal: AbortSignal },
): Promise<SignatureSource> {
  if (sigstore) return { kind: "lookaside", url: sigstore.replace(/\/+$/, "") };
  try {
    const answer = await remote.get(apiRoot(place.url), { signal });
    answer.body.destroy();
    const isThere = answer.headers["x-registry-supports-signatures"] === "1";
    return { kind: isThere ? "extension" : "none" };
  } catch {
    // What this was about shows when the tags are asked for.
    signal.throwIfAborted();
    return { kind: "none" };
  }
}

export interface SignatureQuestion {
  readonly source: SignatureSource;
  /** Of the manifest; other algorithms than SHA-256 cannot be signed this way. */
  readonly digest: string;
  readonly signal: AbortSignal;
  /** Told of each signature that cannot be read, and left out. */
  readonly onSkipped: (problem: string) => void;
}

/**
 * The signatures of a manifest, unverified as upstream has them, but about this manifest.
 *
 * @throws why the upstream cannot be asked.
 */
export async function upstreamSignatures(
  upstream: UpstreamRepository,
  question: SignatureQuestion,
): Promise<UpstreamSignature[]> {
  const { source, digest, onSkipped } = question;
  if (source.kind === "none" || !digest.startsWith("sha256:")) return [];
  const found =
    source.kind === "lookaside"
      ? await lookasideFiles(upstream, source.url, question)
      : await extensionItems(upstream, question);
  return found.flatMap(({ name, bytes }) => {
    try {
      const signature = readSimpleSignature(bytes);
      if (signature.manifest !== digest) throw new MalformedMessage("It is about another image.");
      const hex = signature.digest.slice("sha256:".length);
      return [{ ...signature, name: name ?? `${digest}@${hex.slice(0, 32)}`, bytes }];
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      onSkipped(`A signature of ${digest} is left out: ${error.message}`);
      return [];
    }
  });
}

interface Found {
  readonly name?: string;
  readonly bytes: Buffer;
}

/** `<store>/<name>@sha256=<hex>/signature-1` and so on, until one is missing. */
async function lookasideFiles(
  { remote, place }: UpstreamRepository,
  store: string,
  { digest, signal }: SignatureQuestion,
): Promise<Found[]> {
  const folder = `${store}/${upstreamName(place)}@${digest.replace(":", "=")}`;
  const files: Found[] = [];
  while (files.length < MOST_SIGNATURES) {
    const url = `${folder}/signature-${files.length + 1}`;
    const bytes = await askRegistry(remote, { url, signal }, async (answer) => {
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw statusError(answer);
      return wholeBody(answer, MOST_BYTES);
    });
    if (!bytes) break;
    files.push({ bytes });
  }
  return files;
}

async function extensionItems(
  { remote, place }: { readonly remote: Asker; readonly place: UpstreamPlace },
  { digest, signal }: SignatureQuestion,
): Promise<Found[]> {
  const root = place.url.replace(/\/+$/, "");
  const name = upstreamName(place).split("/").map(encodeURIComponent).join("/");
  const url = `${root}/extensions/v2/${name}/signatures/${digest}`;
  return askRegistry(remote, { url, signal }, async (answer) => {
    if (answer.status === 404) return [];
    if (answer.status !== 200) throw statusError(answer);
    return itemsOf(await wholeBody(answer, MOST_BYTES), shown(url));
  });
}

function itemsOf(body: Buffer, url: string): Found[] {
  let list: unknown;
  try {
    list = Object(JSON.parse(body.toString("utf8"))).signatures;
  } catch {
    throw upstreamErrors.answer(url, "it is no JSON");
  }
  if (!Array.isArray(list)) return [];
  return list.slice(0, MOST_SIGNATURES).flatMap((item): Found[] => {
    const { schemaVersion, type, name, content } = Object(item);
    if (schemaVersion !== 2 || type !== "atomic" || typeof content !== "string") return [];
    const bytes = Buffer.from(content, "base64");
    return typeof name === "string" && NAME.test(name) ? [{ name, bytes }] : [{ bytes }];
  });
}

const NAME = /^sha256:[0-9a-f]{64}@[0-9a-f]{32}$/;

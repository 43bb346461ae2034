import { SCHEMA1, SCHEMA1_SIGNED } from "../format/media-types.ts";
import { isDigest, isTag, parseDigest } from "../format/names.ts";
import { STANDARD_HEADERS, sendAnswer } from "./answers.ts";
import { counted } from "./count-sent.ts";
import { registryErrors } from "./errors.ts";
import { type FoundManifest, manifestByDigest, manifestByTag } from "./manifest-queries.ts";
import { isSame, nameOf, type Place } from "./places.ts";
import { isAccepted, noteRequest } from "./recall.ts";
import { type Registry, type RepositoryVisit, servedPlace } from "./registry.ts";
import type { Answer } from "./visit.ts";

interface Asked {
  readonly reference: string;
}

/** A digest by the grammar is none of a tag: tags have no colon. */
export const namesDigest = (reference: string): boolean => reference.includes(":");

/** GET and HEAD of a manifest, from memory where it was asked for before. */
export function serveManifest(
  registry: Registry,
  visit: RepositoryVisit,
  { reference }: Asked,
): undefined | Promise<void> {
  const place = registry.memory.place(visit.name);
  if (place instanceof Promise) return serveFresh(registry, visit, { reference, place });
  const kept = registry.memory.answer(keyOf(place, reference));
  if (!kept || !isKept(place, reference)) return serveFresh(registry, visit, { reference, place });
  return send(registry, visit, { answer: kept, reference, place, isFromMemory: true });
}

/** What a tag of a cache means is asked upstream first. */
const isKept = ({ pullThrough }: Place, reference: string): boolean =>
  pullThrough === null || namesDigest(reference);

const keyOf = ({ distribution }: Place, reference: string): string =>
  `${distribution} manifest ${reference}`;

async function serveFresh(
  registry: Registry,
  visit: RepositoryVisit,
  { reference, place: asked }: Asked & { readonly place: Place | Promise<Place | undefined> },
): Promise<void> {
  const { moment } = registry.memory;
  const isByDigest = namesDigest(reference);
  if (isByDigest ? !isDigest(reference) || !parseDigest(reference) : !isTag(reference)) {
    throw registryErrors.manifestUnknown(reference);
  }
  const known = await servedPlace(registry, visit, asked);
  const { place, manifest } = await manifestAt(registry, visit, known, reference);
  if (!manifest) throw registryErrors.manifestUnknown(reference);
  const answer = answerFor(registry, manifest, isByDigest);
  registry.memory.keep(keyOf(place, reference), answer, { place, moment });
  await send(registry, visit, { answer, reference, place });
}

interface Looked {
  readonly place: Place;
  readonly manifest: FoundManifest | undefined;
}

/** Looks once more where another process may have added it a moment ago, then elsewhere. */
async function manifestAt(
  registry: Registry,
  visit: RepositoryVisit,
  known: Place,
  reference: string,
): Promise<Looked> {
  const { ctx, memory, upstream } = registry;
  const isByDigest = namesDigest(reference);
  const look = async (place: Place): Promise<Looked> => ({
    place,
    manifest: await (isByDigest ? manifestByDigest : manifestByTag)(ctx, place, reference),
  });
  const freshPlace = async () => (await memory.freshPlace(nameOf(known))) ?? known;
  const asked = isByDigest ? { digest: reference } : { tag: reference };
  if (!isByDigest && known.remote !== null) {
    const isNew = await upstream.manifest(visit, known, asked);
    const found = await look(isNew ? await freshPlace() : known);
    const isBack = !found.manifest && (await isMissed(registry, visit, known, asked));
    return isBack ? look(await freshPlace()) : found;
  }
  const first = await look(known);
  if (first.manifest) return first;
  const place = await freshPlace();
  const again = isSame(place, known) ? first : await look(place);
  if (again.manifest || place.remote === null) return again;
  const isBrought =
    (await upstream.manifest(visit, place, asked)) ||
    (await isMissed(registry, visit, place, asked));
  return isBrought ? look(await freshPlace()) : again;
}

/** Brings what was here a moment ago and has gone. */
const isMissed = (
  { upstream }: Registry,
  visit: RepositoryVisit,
  place: Place,
  asked: { readonly tag: string } | { readonly digest: string },
): Promise<boolean> => upstream.manifest(visit, place, { ...asked, isMissing: true });

/** The bytes as they came, under the type that they were stored with. */
function answerFor(
  { tools }: Registry,
  { digest, mediaType, body }: FoundManifest,
  isByDigest: boolean,
): Answer {
  const type = mediaType === SCHEMA1 && !isByDigest ? SCHEMA1_SIGNED : mediaType;
  const headers = {
    ...STANDARD_HEADERS,
    "Content-Type": type,
    "Docker-Content-Digest": digest,
    ETag: `"${digest}"`,
    "Cache-Control": isByDigest ? "private, max-age=31536000, immutable" : "no-cache",
  };
  return tools.sender.frequent(body, { headers, validators: { etag: `"${digest}"` } });
}

interface Sending extends Asked {
  readonly answer: Answer;
  readonly place: Place;
  readonly isFromMemory?: boolean;
}

function send(
  registry: Registry,
  visit: RepositoryVisit,
  { answer, reference, ...of }: Sending,
): undefined | Promise<void> {
  const { exchange } = visit;
  const type = namesDigest(reference) ? null : typeOf(answer);
  if (type !== null && !isAccepted(exchange.request.headers.accept, type)) {
    throw registryErrors.manifestUnknown(reference);
  }
  const { place } = of;
  if (isKept(place, reference))
    noteRequest(registry, visit, { place, key: keyOf(place, reference), type });
  registry.pulls.note(answer, place, reference);
  const sent = sendAnswer(registry, exchange, answer);
  const { sizeBytes } = answer;
  return counted(registry, visit, sent, { ...of, path: `manifests/${reference}`, sizeBytes });
}

const typeOf = ({ headers }: Answer): string => headers[headers.indexOf("Content-Type") + 1] ?? "";

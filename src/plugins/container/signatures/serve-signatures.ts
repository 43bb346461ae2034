import { sendJson } from "../registry/answers.ts";
import { registryErrors } from "../registry/errors.ts";
import { manifestByDigest } from "../registry/manifest-queries.ts";
import { type Registry, type RepositoryVisit, servedPlace } from "../registry/registry.ts";
import { signaturesOf } from "./stored-signatures.ts";

/** GET and HEAD: an empty list for a manifest that nobody has signed. */
export async function serveSignatures(
  registry: Registry,
  visit: RepositoryVisit,
  digest: string,
): Promise<void> {
  const { ctx, memory } = registry;
  const known = await servedPlace(registry, visit);
  // Another process may have committed a signature a moment ago.
  const place = (await memory.freshPlace(visit.name)) ?? known;
  const manifest = await manifestByDigest(ctx, place, digest);
  // What a cache has not fetched yet has no signatures here.
  if (!manifest && place.remote === null) throw registryErrors.manifestUnknown(digest);
  const stored = manifest ? await signaturesOf(ctx, place, manifest.id) : [];
  const passedOn =
    stored.length === 0 ? await registry.upstream.signatures(visit, place, digest) : [];
  const all = [...stored, ...passedOn.map(({ name, bytes }) => ({ name, body: bytes }))];
  const signatures = all.map(({ name, body }) => ({
    ...{ schemaVersion: 2, type: "atomic", name },
    content: body.toString("base64"),
  }));
  sendJson(visit, { signatures });
}

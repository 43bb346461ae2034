import { isTag, parseDigest } from "../format/names.ts";
import { sendEmpty } from "./answers.ts";
import { registryErrors } from "./errors.ts";
import { namesDigest } from "./manifests.ts";
import { type Registry, type RepositoryVisit, recordChange, servedPlace } from "./registry.ts";
import { removeManifest, removeTag } from "./remove.ts";

/** DELETE by digest or tag: done when it is answered (plugin-container §7.5). */
export async function deleteManifest(
  registry: Registry,
  visit: RepositoryVisit,
  { reference }: { readonly reference: string },
): Promise<void> {
  const isByDigest = namesDigest(reference);
  if (!isByDigest && !registry.settings.REGISTRY_ALLOW_TAG_DELETE)
    throw registryErrors.tagDeletion();
  if (isByDigest ? !parseDigest(reference) : !isTag(reference)) {
    throw registryErrors.manifestUnknown(reference);
  }
  const place = await servedPlace(registry, visit);
  const wasThere = await (isByDigest
    ? removeManifest(registry, visit, { place, digest: reference })
    : removeTag(registry, visit, { place, tag: reference }));
  if (!wasThere) throw registryErrors.manifestUnknown(reference);
  const operation = isByDigest ? "registry_manifest_delete" : "registry_tag_delete";
  await recordChange(registry, visit, { operation, status: 202, place });
  sendEmpty(visit, 202);
}

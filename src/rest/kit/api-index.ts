import { prn } from "#base/prn.ts";
import type { ApiParts, Resource } from "./resource.ts";

/** Texts that lists need for each of their rows, worked out once. */
const remembered = (text: (resource: Resource) => string): ((resource: Resource) => string) => {
  const known = new WeakMap<Resource, string>();
  return (resource) => {
    const found = known.get(resource);
    if (found !== undefined) return found;
    const made = text(resource);
    known.set(resource, made);
    return made;
  };
};

/** Path below the API root with `{}` for the key of a parent: `repositories/file/file/{}/versions`. */
export const fullPath: (resource: Resource) => string = remembered(({ parent, path }) =>
  parent ? `${fullPath(parent)}/{}/${path}` : path,
);

/** `file.filerepository`, as in a PRN. */
export const modelKey: (resource: Resource) => string = remembered(
  ({ prnLabel, label, prnModel, model }) =>
    `${prnLabel ?? label}.${prnModel ?? model}`.toLowerCase(),
);

export const resourcePrn = (resource: Resource, id: string | number): string =>
  prn(modelKey(resource), id);

/** What the API is made of, and where to find it by address. */
export interface ApiIndex {
  readonly parts: ApiParts;
  byPath(path: string): Resource | undefined;
  /** @param model `file.filerepository`; of models with several addresses the flat one. */
  byModel(model: string): Resource | undefined;
  hasLabel(label: string): boolean;
}

export function indexApi(parts: ApiParts): ApiIndex {
  const paths = new Map(parts.resources.map((resource) => [fullPath(resource), resource]));
  const models = new Map<string, Resource>();
  for (const resource of parts.resources) {
    if (!models.has(modelKey(resource))) models.set(modelKey(resource), resource);
  }
  const labels = new Set(["auth", ...[...models.keys()].map((model) => model.split(".")[0])]);
  return {
    parts,
    byPath: (path) => paths.get(path),
    byModel: (model) => models.get(model),
    hasLabel: (label) => labels.has(label),
  };
}

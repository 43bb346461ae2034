import { prn } from "#base/prn.ts";
import type { ApiParts, Resource } from "./resource.ts";

/** Path below the API root with `{}` for the key of a parent: `repositories/file/file/{}/versions`. */
export const fullPath = ({ parent, path }: Resource): string =>
  parent ? `${fullPath(parent)}/{}/${path}` : path;

/** `file.filerepository`, as in a PRN. */
export const modelKey = ({ prnLabel, label, prnModel, model }: Resource): string =>
  `${prnLabel ?? label}.${prnModel ?? model}`.toLowerCase();

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

import { fullPath } from "../api-index.ts";
import type { Resource } from "../resource.ts";

/** Path segments of a resource without keys: `repositories/file/file/versions`. */
export const tokensOf = (resource: Resource): string[] =>
  fullPath(resource)
    .split("/")
    .filter((segment) => segment !== "{}");

export const tokenId = (tokens: readonly string[]): string =>
  tokens.join("_").replaceAll(/[-/]/g, "_").toLowerCase();

/** `repositories_file_file_sync`: of the resource's path and a word for what is done. */
export const operationId = (resource: Resource, word: string): string =>
  `${tokenId(tokensOf(resource))}_${word}`;

/** Every run of letters begins with a capital: `task-groups` → `Task-Groups`. */
const titleCase = (word: string): string =>
  word.toLowerCase().replaceAll(/[a-z]+/g, (run) => run.charAt(0).toUpperCase() + run.slice(1));

/** Tag of an operation (core-rest §4.2): the component's word is dropped, the first gets a colon. */
export function tagOf(tokens: readonly string[]): string {
  const words = tokens.flatMap((token) => token.split("/")).map(titleCase);
  const [first = "", second, ...rest] = words;
  if (second === undefined) return first;
  return rest.length > 0 ? `${first}: ${rest.join(" ")}` : `${first}: ${second}`;
}

/** `FileRemote` → `file_remote`; every capital starts a word, so `RBAC` is `r_b_a_c`. */
const snake = (model: string): string => model.replaceAll(/(?<!^)([A-Z])/g, "_$1").toLowerCase();

/** Name of the parameter that stands for the whole href of an object (core-rest §4.3). */
export function hrefParameter(resource: Resource): string {
  const { parent, label, prnLabel, model } = resource;
  const component = (prnLabel ?? label) === "core" ? "" : `${prnLabel ?? label}_`;
  if (!parent) return `${component}${snake(model)}_href`;
  const parentLabel =
    (parent.prnLabel ?? parent.label) === "core" ? "" : `${parent.prnLabel ?? parent.label}_`;
  const endpoint = parent.path.split("/").at(-1)?.replaceAll(/[-/]/g, "_") ?? "";
  return `${parentLabel}${endpoint}_${snake(model)}_href`;
}

/** Base name of the resource's schemas (core-rest §4.6). */
export const schemaBase = ({ schema, label, model }: Resource): string =>
  schema ?? (label === "core" ? model : `${label}.${model}`);

export const responseName = (base: string): string =>
  base.includes("Response") ? base : `${base}Response`;

export const pageName = (base: string): string => `Paginated${responseName(base)}List`;

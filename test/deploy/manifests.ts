import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { root } from "../house/sources.ts";
import type { Answer } from "../support/api.ts";

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name?: string; readonly [name: string]: unknown };
  readonly [name: string]: Answer;
}

interface Parameter {
  readonly name: string;
  readonly value?: string;
  readonly required?: boolean;
}

export const deployFolder = join(root, "deploy");

/** Paths below `deploy/`. */
export const yamlFiles = globSync("**/*.yaml", { cwd: deployFolder }).sort();

/** The documents of a file. @throws with the place of what is no YAML */
export function documentsOf(path: string): readonly Manifest[] {
  const text = readFileSync(join(deployFolder, path), "utf8");
  return parseAllDocuments(text).map((document) => {
    const [error] = [...document.errors, ...document.warnings];
    if (error) throw new Error(`${path}: ${error.message}`);
    return document.toJS() as Manifest;
  });
}

const PLACEHOLDER = /\$\{\{([A-Z0-9_a-z]+)\}\}|\$\{([A-Z0-9_a-z]+)\}/g;

/** Names of the parameters that a template uses. */
export const usedParameters = (template: Manifest): ReadonlySet<string> =>
  new Set(
    [...JSON.stringify(template.objects).matchAll(PLACEHOLDER)].map(
      ([, raw, text]) => raw ?? text ?? "",
    ),
  );

/** Parameters that have to be given are addresses or their own names. */
const given = (name: string): string =>
  /ORIGIN|HOSTNAME|URL/.test(name)
    ? "https://packages.example"
    : name.toLowerCase().replaceAll("_", "-");

/** What `oc process` makes of a template. */
export function processed(template: Manifest): readonly Manifest[] {
  const values = new Map<string, string>(
    (template.parameters as readonly Parameter[]).map(({ name, value }) => [
      name,
      value ?? given(name),
    ]),
  );
  return substituted(template.objects, values) as readonly Manifest[];
}

function substituted(value: unknown, values: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => substituted(item, values));
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    return Object.fromEntries(entries.map(([name, item]) => [name, substituted(item, values)]));
  }
  if (typeof value !== "string") return value;
  const whole = /^\$\{\{(\w+)\}\}$/.exec(value)?.[1];
  if (whole !== undefined) return JSON.parse(values.get(whole) ?? "null");
  return value.replace(/\$\{(\w+)\}/g, (text, name: string) => values.get(name) ?? text);
}

/** Every object of all files, templates processed; settings of tools that are no objects left out. */
export const allObjects = (): readonly Manifest[] =>
  yamlFiles
    .flatMap((path) => documentsOf(path))
    .filter(({ apiVersion, kind }) => apiVersion && kind !== "Kustomization")
    .flatMap((manifest) => (manifest.kind === "Template" ? processed(manifest) : [manifest]));

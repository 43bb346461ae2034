import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { parse as parseToml, TomlDate } from "smol-toml";
import { parse as parseYaml } from "yaml";
import { isTree, type Tree } from "./merge.ts";
import { parsePython } from "./python-subset.ts";
import { PythonError } from "./python-tokens.ts";

/** One value that a file gives, by its path from the top. */
export interface Given {
  readonly path: readonly string[];
  readonly value: unknown;
  /** File, with the line where the format tells it. */
  readonly source: string;
}

/** A file that cannot be used: the sentence to show. */
export class FileError extends Error {}

/** The files of `PULP_SETTINGS`, separated by commas or semicolons. */
export const settingsFiles = (list: string | undefined): readonly string[] =>
  (list ?? "")
    .split(/[,;]/)
    .map((file) => file.trim())
    .filter((file) => file !== "");

/**
 * Reads one file by its extension: `.toml`, `.yaml`, `.yml`, `.json`, `.py`.
 *
 * @param environment section to use in a file with sections (`PULP_ENV`)
 * @returns undefined if there is no such file
 * @throws `FileError` with file, line and reason
 */
export function readSettingsFile(file: string, environment: string): readonly Given[] | undefined {
  const text = readText(file);
  if (text === undefined) return undefined;
  const kind = extname(file).toLowerCase();
  if (kind === ".py") return pythonValues(file, text);
  return treeValues(file, sectionsJoined(parseTree(file, kind, text), environment));
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new FileError(`The settings file ${file} cannot be read: ${(error as Error).message}.`);
  }
}

function pythonValues(file: string, text: string): readonly Given[] {
  try {
    return parsePython(text)
      .filter(({ name }) => /^[A-Z]/.test(name))
      .map(({ name, value, line }) => ({ path: split(name), value, source: `${file}:${line}` }));
  } catch (error) {
    if (!(error instanceof PythonError)) throw error;
    throw new FileError(
      `The settings file ${file} holds ${error.message} in line ${error.line}; only assignments of literals are understood.`,
    );
  }
}

function parseTree(file: string, kind: string, text: string): Tree {
  const parse = PARSERS[kind];
  if (!parse) {
    throw new FileError(`The settings file ${file} is neither .toml, .yaml, .json nor .py.`);
  }
  let tree: unknown;
  try {
    tree = plain(parse(text)) ?? {};
  } catch (error) {
    const [reason] = (error as Error).message.trim().split("\n");
    throw new FileError(`The settings file ${file} cannot be parsed: ${reason}`);
  }
  if (!isTree(tree)) throw new FileError(`The settings file ${file} is not a map of settings.`);
  return tree;
}

const PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  ".toml": (text) => parseToml(text),
  ".yaml": (text) => parseYaml(text),
  ".yml": (text) => parseYaml(text),
  ".json": (text) => JSON.parse(text),
};

/** Settings hold no dates: they become the texts they were. */
function plain(value: unknown): unknown {
  if (value instanceof TomlDate || value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (!isTree(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}

/** A file with the sections `default`, `<environment>`, `global` is read in this order. */
function sectionsJoined(tree: Tree, environment: string): Tree[] {
  const layers = ["default", environment, "global"].flatMap((name) => {
    const key = Object.keys(tree).find((known) => known.toLowerCase() === name.toLowerCase());
    const section = key === undefined ? undefined : tree[key];
    return isTree(section) ? [section] : [];
  });
  return layers.length > 0 ? layers : [tree];
}

function treeValues(file: string, layers: readonly Tree[]): readonly Given[] {
  return layers.flatMap((layer) => {
    const { dynaconf_merge: mergesAll, ...values } = layer;
    return Object.entries(values).map(([name, value]) => ({
      path: split(name),
      value: mergesAll === true ? marked(value) : value,
      source: file,
    }));
  });
}

function marked(value: unknown): unknown {
  if (Array.isArray(value)) return [...value, "dynaconf_merge"];
  return isTree(value) ? { ...value, dynaconf_merge: true } : value;
}

/** `DATABASES__default__HOST` → its path; the first part is upper case. */
export function split(name: string): readonly string[] {
  const [first = "", ...rest] = name.split("__");
  return [first.toUpperCase(), ...rest];
}

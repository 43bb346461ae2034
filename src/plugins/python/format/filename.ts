import { isValidName } from "./names.ts";

/** Kinds of files that Python tools make today or made once, of those that can be taken in. */
export type PackageType = "bdist_egg" | "bdist_wheel" | "bdist_wininst" | "sdist";

/** What the name of a distribution says about it. */
export interface Filename {
  readonly packagetype: PackageType;
  /** As written; wheels and eggs have `_` where the project has `-`. */
  readonly name: string;
  /** As written; not every old one is a version of PEP 440. */
  readonly version: string;
  /** Build tag of a wheel; begins with a digit. */
  readonly build?: string;
  /** `source` for sdists, else the Python tag as written (`py2.py3`, `py2.7`), or empty. */
  readonly pythonVersion: string;
}

/** In the order in which they are looked at. */
const SUFFIXES: readonly (readonly [suffix: string, packagetype: PackageType])[] = [
  [".whl", "bdist_wheel"],
  [".exe", "bdist_wininst"],
  [".egg", "bdist_egg"],
  [".tar.bz2", "sdist"],
  [".tar.gz", "sdist"],
  [".zip", "sdist"],
];

type Parts = Omit<Filename, "packagetype">;

const PARSERS: Readonly<Record<PackageType, (stem: string) => Parts | undefined>> = {
  bdist_wheel: wheelParts,
  bdist_wininst: installerParts,
  bdist_egg: eggParts,
  sdist: sourceParts,
};

/**
 * Reads the name of a distribution; folders before it do not matter.
 *
 * @returns undefined if the suffix is unknown or the rest does not follow the grammar of its kind.
 * @see plugin-python §2.5, PEP 427 (wheels), PEP 625 (sdists)
 */
export function parseFilename(filename: string): Filename | undefined {
  const base = baseName(filename);
  const [suffix, packagetype] = suffixOf(base) ?? [];
  if (suffix === undefined || packagetype === undefined) return undefined;
  const parts = PARSERS[packagetype](base.slice(0, -suffix.length));
  if (!parts || !isValidName(parts.name) || !VERSION.test(parts.version)) return undefined;
  return { packagetype, ...parts };
}

/** The kind that the suffix stands for, whatever comes before it; undefined if it is unknown. */
export const packageTypeOf = (filename: string): PackageType | undefined =>
  suffixOf(baseName(filename))?.[1];

/** What is said about a file whose suffix is unknown (plugin-python §2.4). */
export const extensionText = (filename: string): string =>
  `Extension on ${filename} is not a valid python extension ` +
  "(.whl, .exe, .egg, .tar.gz, .tar.bz2, .zip)";

const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

const suffixOf = (base: string): (typeof SUFFIXES)[number] | undefined =>
  SUFFIXES.find(([suffix]) => base.endsWith(suffix));

/** Wide enough for versions from before PEP 440. */
const VERSION = /^[A-Za-z0-9][A-Za-z0-9_.!+]*$/;
const TAG = /^\w+(?:\.\w+)*$/;
const PYTHON_TAG = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;
const BUILD = /^\d[\w.!+]*$/;

/** `name-version[-build]-python-abi-platform` */
function wheelParts(stem: string): Parts | undefined {
  const parts = stem.split("-");
  const [name = "", version = ""] = parts;
  const [pythonVersion = "", abi = "", platform = ""] = parts.slice(-3);
  const [build] = parts.length === 6 ? parts.slice(2) : [];
  if (parts.length !== 5 && build === undefined) return undefined;
  if (build !== undefined && !BUILD.test(build)) return undefined;
  // Runs of separators are escaped as one, so that a name has no two of them.
  if (name.includes("__")) return undefined;
  if (!PYTHON_TAG.test(pythonVersion) || !TAG.test(abi) || !TAG.test(platform)) return undefined;
  return { name, version, pythonVersion, ...(build !== undefined && { build }) };
}

/** `name-version[-python[-platform]]`, of which the platform may hold hyphens. */
function eggParts(stem: string): Parts | undefined {
  const [name = "", version = "", pythonVersion = "", ...platform] = stem.split("-");
  if (pythonVersion !== "" && !/^py\d+(?:\.\d+)?$/.test(pythonVersion)) return undefined;
  if (pythonVersion === "" && platform.length > 0) return undefined;
  return { name, version, pythonVersion };
}

const INSTALLER_END = /\.(?:win32|(?:win|linux|macosx)[-_][\w.]+)(?:-(py\d+(?:\.\d+)?))?$/;

/** `name-version.platform[-python]`; the name may hold hyphens. */
function installerParts(stem: string): Parts | undefined {
  // Names are short; without a bound the platform would be looked for from every dot to the end.
  const end = stem.length > MAX_STEM ? null : INSTALLER_END.exec(stem);
  return end === null
    ? undefined
    : { ...nameAndVersion(stem.slice(0, end.index)), pythonVersion: end[1] ?? "" };
}

const MAX_STEM = 512;

function sourceParts(stem: string): Parts {
  return { ...nameAndVersion(stem), pythonVersion: "source" };
}

/** A version holds no hyphen, but a name may. */
function nameAndVersion(text: string): { readonly name: string; readonly version: string } {
  const hyphen = text.lastIndexOf("-");
  return { name: text.slice(0, Math.max(hyphen, 0)), version: text.slice(hyphen + 1) };
}

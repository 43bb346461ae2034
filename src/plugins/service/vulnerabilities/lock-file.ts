import type { Json, JsonObject } from "#base/json.ts";

/** A package and the version that is asked about. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
}

/** Why a file is no lock file; its text is shown. */
export class InvalidLockFile extends Error {}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

type Kind = "string" | "integer" | "boolean" | "object";

const IS: Readonly<Record<Kind, (value: Json) => boolean>> = {
  string: (value) => typeof value === "string",
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === "boolean",
  object: isObject,
};

const REQUIRED = { name: "string", lockfileVersion: "integer", packages: "object" } as const;
const OPTIONAL = { version: "string", requires: "boolean", dependencies: "object" } as const;
const DEPENDENCY: Readonly<Record<string, Kind>> = {
  ...({ version: "string", resolved: "string", integrity: "string", requires: "object" } as const),
};

/**
 * Packages that a `package-lock.json` depends on (service §8.2), each release once.
 *
 * @param document the parsed file.
 * @throws `InvalidLockFile` where it breaks the schema of lock files.
 */
export function lockedPackages(document: Json): readonly LockedPackage[] {
  if (!isObject(document)) throw new InvalidLockFile("it is no object.");
  for (const name of Object.keys(REQUIRED)) {
    if (!Object.hasOwn(document, name))
      throw new InvalidLockFile(`'${name}' is a required property.`);
  }
  checkKinds(document, { ...REQUIRED, ...OPTIONAL }, "");
  const { dependencies = {}, packages } = document;
  for (const [name, one] of Object.entries(dependencies as JsonObject)) {
    if (!isObject(one)) throw new InvalidLockFile(`dependencies.${name} is no object.`);
    checkKinds(one, DEPENDENCY, `dependencies.${name}.`);
  }
  return distinct(Object.entries(packages as JsonObject).flatMap(dependenciesOf));
}

function checkKinds(
  object: JsonObject,
  kinds: Readonly<Record<string, Kind>>,
  place: string,
): void {
  for (const [name, kind] of Object.entries(kinds)) {
    const value = Object.hasOwn(object, name) ? object[name] : undefined;
    if (value !== undefined && !IS[kind](value))
      throw new InvalidLockFile(`${place}${name} is not of type '${kind}'.`);
  }
}

function dependenciesOf([path, entry]: readonly [string, Json | undefined]): LockedPackage[] {
  if (!isObject(entry)) throw new InvalidLockFile(`packages['${path}'] is no object.`);
  const { dependencies = {} } = entry;
  if (!isObject(dependencies))
    throw new InvalidLockFile(`packages['${path}'].dependencies is not of type 'object'.`);
  return Object.entries(dependencies).flatMap(([name, range]) => {
    const version = typeof range === "string" ? releaseIn(range) : undefined;
    return version === undefined ? [] : [{ name, version }];
  });
}

/** `1.2.3`, as npm writes versions, with what may follow them. */
const RELEASE = /^v?\d+(\.\d+){0,3}(-[\w.-]+)?(\+[\w.-]+)?$/;

/** Carets and tildes at the ends go; what is no release then, such as a range or a tag, is not asked. */
function releaseIn(range: string): string | undefined {
  const text = range
    .trim()
    .replace(/^[\^~]+|[\^~]+$/g, "")
    .trim();
  return text.length <= 256 && RELEASE.test(text) ? text : undefined;
}

function distinct(packages: readonly LockedPackage[]): readonly LockedPackage[] {
  const known = new Map(packages.map((one) => [`${one.name}\n${one.version}`, one]));
  return [...known.values()];
}

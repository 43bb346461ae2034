import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { parseCoreMetadata } from "#plugins/python/format/core-metadata.ts";
import { parseFilename } from "#plugins/python/format/filename.ts";
import { Malformed } from "#plugins/python/format/malformed.ts";
import { isValidName, normalizeName } from "#plugins/python/format/names.ts";
import { parseRequirement } from "#plugins/python/format/requirement.ts";
import { contains, parseSpecifiers } from "#plugins/python/format/specifier.ts";
import {
  compareVersions,
  isPrerelease,
  parseVersion,
  versionText,
} from "#plugins/python/format/version.ts";
import { createRandom } from "../../tools/chaos/random.ts";
import { client } from "./support/python.ts";
import { type Case, generatedCases, WRITTEN_CASES } from "./support/python-cases.ts";

/** What we say about a case, in the form that test/clients/python_format.py answers in. */
const OURS: Readonly<Record<string, (...inputs: readonly never[]) => unknown>> = {
  version: (text: string) => {
    const version = parseVersion(text);
    return version ? [versionText(version), isPrerelease(version)] : null;
  },
  order: (first: string, second: string) => {
    const [a, b] = [parseVersion(first), parseVersion(second)];
    return a && b ? Math.sign(compareVersions(a, b)) : null;
  },
  specifiers: (text: string, versions: readonly string[]) => {
    const set = parseSpecifiers(text);
    if (!set) return null;
    const admits = (version: string) =>
      [false, true].map((prereleases) => contains(set, version, { prereleases }));
    return versions.map(admits);
  },
  requirement: (text: string) => {
    const requirement = orNull(() => parseRequirement(text));
    if (!requirement) return null;
    const { name, extras, specifiers, url = null, marker } = requirement;
    const texts = specifiers.map((each) => each.operator + each.text);
    return {
      name,
      extras: [...new Set(extras)].sort(),
      specifiers: [...new Set(texts)].sort(),
      url,
      marker: marker !== undefined,
    };
  },
  wheel: (text: string) => {
    const file = parseFilename(text);
    const version = parseVersion(file?.version ?? "");
    if (!file || !version) return null;
    const build = file.build?.replace(/^0+(?=\d)/, "") ?? "";
    return [normalizeName(file.name), versionText(version), build];
  },
  sdist: (text: string) => {
    const file = parseFilename(text);
    const version = parseVersion(file?.version ?? "");
    return file && version ? [normalizeName(file.name), versionText(version)] : null;
  },
  name: (text: string) => [normalizeName(text), isValidName(text)],
  metadata: (base64: string) => orNull(() => parseCoreMetadata(Buffer.from(base64, "base64"))),
};

function orNull<Value>(read: () => Value): Value | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

interface Outcome {
  readonly asked: Case;
  readonly ours: unknown;
  readonly theirs: unknown;
}

function ask(cases: readonly Case[]): Outcome[] {
  const { stdout, stderr, status } = spawnSync(
    client("python"),
    [join(import.meta.dirname, "python_format.py")],
    {
      input: cases.map((each) => `${JSON.stringify(each)}\n`).join(""),
      encoding: "utf8",
      maxBuffer: 2 ** 28,
      timeout: 300_000,
    },
  );
  assert.equal(status, 0, stderr);
  const answers = stdout.trimEnd().split("\n");
  assert.equal(answers.length, cases.length);
  return cases.map((asked, index) => {
    const [kind, ...inputs] = asked;
    const ours = OURS[kind]?.(...(inputs as never[]));
    return { asked, ours, theirs: JSON.parse(answers[index] ?? "") };
  });
}

/** Where we differ, and why. A reason that no case needs any more is a failure. */
const REASONS: Readonly<Record<string, (outcome: Outcome) => boolean>> = {
  "names of files keep to PEP 508, too": ({ asked: [kind], ours, theirs }) =>
    isOfFile(kind) && ours === null && !isValidName(nameIn(theirs)),
  "versions and tags of files are letters, digits and a few marks": ({ asked, ours }) =>
    isOfFile(asked[0]) &&
    ours === null &&
    /[^\w.+!-]|[+!][^-]*(?:-[^-]*){0,2}\.whl$/.test(String(asked[1])),
  "a requirement is one line": ({ asked: [kind, text], ours }) =>
    kind === "requirement" && ours === null && String(text).includes("\n"),
  "a comma ends what === compares with": ({ asked: [kind, text], theirs }) =>
    kind === "requirement" && theirs === null && /===[^;)]*,/.test(String(text)),
  "names in requirements end with a letter or a digit": ({ asked: [kind], ours, theirs }) =>
    kind === "requirement" && ours === null && /[-_.]$/.test(namesIn(theirs)),
  "NUL is replaced, and other control characters are no white space": ({ asked: [kind, text] }) =>
    kind === "metadata" && hasControls(Buffer.from(String(text), "base64")),
};

const namesIn = (theirs: unknown): string => {
  const { name, extras } = theirs as { readonly name: string; readonly extras: readonly string[] };
  return [name, ...extras].find((each) => !isValidName(each)) ?? "";
};

const hasControls = (bytes: Buffer): boolean =>
  bytes.some((byte) => byte < 32 && !["\t", "\n", "\r"].includes(String.fromCharCode(byte)));

const isOfFile = (kind: string): boolean => kind === "wheel" || kind === "sdist";
const nameIn = (answer: unknown): string => (Array.isArray(answer) ? String(answer[0]) : "a");

/** Another one asks other questions. */
const SEED = Number(process.env.DECKLE_SEED ?? 1);

test("reads what the reference library reads", () => {
  const outcomes = ask([...WRITTEN_CASES, ...generatedCases(createRandom(SEED))]);
  const differences = outcomes.filter(({ asked: [kind], ours, theirs }) =>
    kind === "metadata" ? !isSameMetadata(ours, theirs) : !isDeepStrictEqual(ours, theirs),
  );
  const needed = new Set<string>();
  const unexplained = differences.filter((outcome) => {
    const reason = Object.entries(REASONS).find(([, applies]) => applies(outcome))?.[0];
    if (reason !== undefined) needed.add(reason);
    return reason === undefined;
  });
  assert.deepEqual(unexplained.slice(0, 20), []);
  assert.deepEqual([...needed].sort(), Object.keys(REASONS).sort());
});

/** Fields whose column is called otherwise. */
const COLUMNS: Readonly<Record<string, string>> = {
  license_files: "license_file",
  provides_extra: "provides_extras",
};

/** Theirs are null where they found something that they could not read. */
function isSameMetadata(ours: unknown, theirs: unknown): boolean {
  if (theirs === null) return true;
  if (ours === null) return false;
  const columns = ours as Readonly<Record<string, string>>;
  return Object.entries(theirs as object).every(([field, value]) => {
    const column = columns[COLUMNS[field] ?? field];
    if (Array.isArray(value)) return isDeepStrictEqual(JSON.parse(column ?? "[]"), value);
    return column === (value === "UNKNOWN" && field !== "description" ? "" : value);
  });
}

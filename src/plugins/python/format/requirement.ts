import { Malformed } from "./malformed.ts";
import { checkMarker } from "./marker.ts";
import { isValidName } from "./names.ts";
import { parseSpecifier, type Specifier, type SpecifierSet } from "./specifier.ts";

/** What a project needs, or which of its versions are meant. */
export interface Requirement {
  /** As written. */
  readonly name: string;
  readonly extras: readonly string[];
  /** Empty if any version will do. */
  readonly specifiers: SpecifierSet;
  /** Where to get it, in place of specifiers. */
  readonly url?: string;
  /** Condition on the environment, as written. */
  readonly marker?: string;
}

const MAX_LENGTH = 65_536;

/**
 * Reads `name[extras] specifiers ; marker` or `name[extras] @ URL ; marker`.
 *
 * @throws `Malformed` whose text says what is wrong and where.
 * @see PEP 508, "Grammar"
 */
export function parseRequirement(text: string): Requirement {
  if (text.length > MAX_LENGTH) throw new Malformed("The requirement is too long.");
  if (/[\r\n]/.test(text)) throw new Malformed("A requirement is one line.");
  const [, name = "", afterName = ""] = /^[ \t]*([^ \t[(@;,<>=!~]*)[ \t]*(.*)$/s.exec(text) ?? [];
  if (name === "") throw new Malformed("A requirement begins with the name of a project.");
  if (!isValidName(name)) throw new Malformed(`'${name}' is not a valid name.`);
  const { extras, rest } = splitExtras(afterName);
  const { source, marker } = rest.startsWith("@") ? splitUrl(rest) : splitSpecifiers(rest);
  if (marker !== undefined) checkMarker(marker);
  return { name, extras, ...source, ...(marker !== undefined && { marker }) };
}

function splitExtras(text: string): { extras: readonly string[]; rest: string } {
  if (!text.startsWith("[")) return { extras: [], rest: text };
  const end = text.indexOf("]");
  if (end < 0) throw new Malformed("The list of extras is not closed by ']'.");
  const list = trimmed(text.slice(1, end));
  const extras = list === "" ? [] : list.split(",").map(trimmed);
  const bad = extras.find((extra) => !isValidName(extra));
  if (bad !== undefined) throw new Malformed(`'${bad}' is not a valid name of an extra.`);
  return { extras, rest: trimmed(text.slice(end + 1)) };
}

interface Split {
  readonly source: Pick<Requirement, "specifiers" | "url">;
  readonly marker: string | undefined;
}

/** White space ends a URL, which may hold semicolons. */
function splitUrl(text: string): Split {
  const [, url = "", rest = ""] = /^@[ \t]*([^ \t]*)(.*)$/s.exec(text) ?? [];
  if (url === "") throw new Malformed("A URL is missing after '@'.");
  const after = trimmed(rest);
  if (after !== "" && !after.startsWith(";"))
    throw new Malformed(`'${after}' stands after the URL; a marker begins with ';'.`);
  return { source: { specifiers: [], url }, marker: markerAfter(after) };
}

function splitSpecifiers(text: string): Split {
  const semicolon = text.indexOf(";");
  const list = trimmed(semicolon < 0 ? text : text.slice(0, semicolon));
  const marker = semicolon < 0 ? undefined : markerAfter(text.slice(semicolon));
  return { source: { specifiers: specifiersOf(withoutParentheses(list)) }, marker };
}

function markerAfter(text: string): string | undefined {
  if (text === "") return undefined;
  const marker = trimmed(text.slice(1));
  if (marker === "") throw new Malformed("A marker is missing after ';'.");
  return marker;
}

function withoutParentheses(list: string): string {
  if (!list.startsWith("(")) return list;
  if (!list.endsWith(")")) throw new Malformed("The list of versions is not closed by ')'.");
  return trimmed(list.slice(1, -1));
}

function specifiersOf(list: string): readonly Specifier[] {
  if (list === "") return [];
  return list.split(",").flatMap((part, index, parts) => {
    // One comma may end the list.
    if (trimmed(part) === "" && index > 0 && index === parts.length - 1) return [];
    const specifier = parseSpecifier(part);
    if (!specifier) throw new Malformed(`'${trimmed(part)}' is not a valid version specifier.`);
    return [specifier];
  });
}

const trimmed = (text: string): string => text.replace(/^[ \t]+/, "").trimEnd();

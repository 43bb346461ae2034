import { isValidName, normalizeName } from "./names.ts";

/** Longest pattern, in characters. */
const MOST_LENGTH = 200;

/**
 * A pattern of project names, normalised as names are: `acme-*` for all that begin so. An asterisk
 * stands for any characters, none included.
 *
 * @returns undefined for what no name can match, and for what every name matches.
 */
export function namePattern(text: string): string | undefined {
  if (text.length > MOST_LENGTH || !/[^*]/.test(text)) return undefined;
  // A letter in place of each asterisk makes a name of a pattern.
  if (!isValidName(text.replaceAll("*", "x"))) return undefined;
  return normalizeName(text);
}

/** Whether a normalised name matches one of the patterns; the time is linear in both. */
export const matchesSome = (patterns: readonly string[], name: string): boolean =>
  patterns.some((pattern) => matches(pattern, name));

function matches(pattern: string, name: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return first === name;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

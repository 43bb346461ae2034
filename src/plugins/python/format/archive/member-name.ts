import { Malformed } from "../malformed.ts";

/** Longest name of a member, in characters; file systems take as much. */
export const MAX_NAME_LENGTH = 4096;

/**
 * Refuses names that lead out of the folder into which an archive is unpacked.
 *
 * @param name with `/` between folders; `\` counts as one, since it is one on Windows.
 * @throws `Malformed` if it is empty, too long, absolute, has NUL, a drive or a segment `..`.
 */
export function checkMemberName(name: string): void {
  if (name === "") throw new Malformed("A member of the archive has no name.");
  if (name.length > MAX_NAME_LENGTH)
    throw new Malformed(`A member's name is longer than ${MAX_NAME_LENGTH} characters.`);
  const problem = problemOf(name);
  if (problem !== undefined) throw new Malformed(`The name of member ${shown(name)} ${problem}.`);
}

function problemOf(name: string): string | undefined {
  if (name.includes("\0")) return "has NUL in it";
  if (/^[/\\]/.test(name)) return "is absolute";
  if (/^[A-Za-z]:/.test(name)) return "begins with a drive";
  return /(?:^|[/\\])\.\.(?:[/\\]|$)/.test(name) ? "leads out of the archive" : undefined;
}

const SHOWN = 120;

/** A name for an error: quoted, without control characters, and cut where it is long. */
export const shown = (name: string): string =>
  JSON.stringify(name.length > SHOWN ? `${name.slice(0, SHOWN)}…` : name);

/** Members that may hold the metadata, best first: fewest folders, then shortest, then by text. */
export const byDepth = (a: string, b: string): number =>
  depthOf(a) - depthOf(b) || a.length - b.length || (a < b ? -1 : Number(a > b));

/** Number of folders above a member. */
export const depthOf = (name: string): number => name.split("/").length - 1;

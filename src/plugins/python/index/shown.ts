import type { ProjectFacts } from "../format/project-facts.ts";
import type { ProjectFile } from "./members.ts";

/** What an index shows of a project. */
export interface Listing<File extends ProjectFile = ProjectFile> {
  /** By name, each name once. */
  readonly files: readonly (File | ProjectFile)[];
  readonly notes: PageNotes;
}

/** A release, or a file of one, that an index has or could have and does not show. */
export interface Withheld {
  readonly version: string;
  readonly reason: string;
}

/** Stands for the version of a project that is withheld as a whole. */
export const EVERY = "*";

/** What a page tells about itself beside its files. */
export interface PageNotes {
  /** Distinct, and no more than a page can bear. */
  readonly withheld: readonly Withheld[];
  /** Why no upstream was asked about the project; undefined where none had to be left out. */
  readonly upstream?: string;
  /** What upstream says of the project; undefined where it is silent. */
  readonly facts?: ProjectFacts;
}

export const NO_NOTES: PageNotes = { withheld: [] };

const MOST = 200;

/** Each release and reason once. */
export function distinctWithheld(all: Iterable<Withheld>): readonly Withheld[] {
  const found = new Map<string, Withheld>();
  for (const one of all) {
    if (found.size >= MOST) break;
    found.set(`${one.version}\n${one.reason}`, { version: one.version, reason: one.reason });
  }
  return [...found.values()];
}

/** The notes as sentences, for people. */
export const noteLines = ({ withheld, upstream }: PageNotes): readonly string[] => [
  ...(upstream === undefined ? [] : [`No upstream is asked: ${upstream}.`]),
  ...withheld.map(
    ({ version, reason }) =>
      `${version === EVERY ? "Every release" : version} is withheld: ${reason}.`,
  ),
];

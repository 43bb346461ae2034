/** What an index says of a project beside its files. */
export interface ProjectFacts {
  /** `active`, `archived`, `quarantined` or `deprecated` (PEP 792); null where nobody says. */
  readonly status: string | null;
  /** Pages of the project in the indexes that this one extends (PEP 708). */
  readonly tracks: readonly string[];
  /** Pages of other indexes where the project may be found as well (PEP 708). */
  readonly alternateLocations: readonly string[];
}

export const NO_FACTS: ProjectFacts = { status: null, tracks: [], alternateLocations: [] };

/** More of them are taken for a mistake or worse: clients ask each. */
const MOST_ADDRESSES = 20;
const MOST_CHARACTERS = 2048;

/** Those of the values that are addresses which a client can ask, each once. */
export function addressesOf(values: unknown): readonly string[] {
  if (!Array.isArray(values)) return [];
  return [...new Set(values.filter(isAddress))].slice(0, MOST_ADDRESSES);
}

const isAddress = (value: unknown): value is string =>
  typeof value === "string" &&
  value.length <= MOST_CHARACTERS &&
  /^https?:\/\/[^/]/i.test(value) &&
  URL.canParse(value);

/** What several indexes say of one project: the first status, all addresses. */
export function joinedFacts(all: readonly ProjectFacts[]): ProjectFacts {
  const [first = NO_FACTS, ...more] = all;
  if (more.length === 0) return first;
  return {
    status: all.find(({ status }) => status !== null)?.status ?? null,
    tracks: addressesOf(all.flatMap(({ tracks }) => tracks)),
    alternateLocations: addressesOf(all.flatMap((one) => one.alternateLocations)),
  };
}

import type { Json, JsonObject } from "#base/json.ts";
import { vulnerabilityErrors } from "./errors.ts";
import type { PackageQuery } from "./types.ts";

/** What a batch answers to one of its queries. */
export interface BatchResult {
  readonly ids: readonly string[];
  /** There is more under this token. */
  readonly nextPage?: string;
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A query as the batch endpoint takes it. */
export const queryBody = (
  { ecosystem, name, version }: PackageQuery,
  page?: string,
): JsonObject => ({
  package: { name, ecosystem },
  version,
  ...(page === undefined ? {} : { page_token: page }),
});

/**
 * Reads `{"results": [{"vulns": [{"id": …}], "next_page_token"?}, …]}`, in the order of the queries.
 *
 * @throws `vulnerabilityErrors.malformed`
 */
export function batchResults(url: string, answer: Json | undefined, asked: number): BatchResult[] {
  const results = isObject(answer) ? answer.results : undefined;
  if (!Array.isArray(results) || results.length !== asked) {
    throw vulnerabilityErrors.malformed(url, `it has no list of ${asked} results.`);
  }
  return results.map((result: Json): BatchResult => {
    if (!isObject(result)) throw vulnerabilityErrors.malformed(url, "a result is no object.");
    const { vulns = [], next_page_token: token } = result;
    if (!Array.isArray(vulns)) throw vulnerabilityErrors.malformed(url, "`vulns` is no list.");
    const ids = vulns.map((one: Json) => idOf(url, one));
    return typeof token === "string" && token !== "" ? { ids, nextPage: token } : { ids };
  });
}

/** @throws `vulnerabilityErrors.malformed` unless it is a record that has an id. */
export function idOf(url: string, record: Json | undefined): string {
  const id = isObject(record) ? record.id : undefined;
  if (typeof id === "string" && /^[\w.:-]{1,200}$/.test(id)) return id;
  throw vulnerabilityErrors.malformed(url, "a record has no id.");
}

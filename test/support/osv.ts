import type { TestContext } from "node:test";
import type { Json, JsonObject } from "#base/json.ts";
import { type JsonUpstream, jsonUpstream, type UpstreamAnswer } from "./json-upstream.ts";

export interface OsvOptions {
  /** `PyPI/django/1.0` → ids of advisories. */
  readonly advisories: Readonly<Record<string, readonly string[]>>;
  /** Ids of one page of a list. */
  readonly pageSize?: number;
  /** Says something else than OSV would, or undefined for what it says. */
  readonly instead?: (path: string, asked: number) => UpstreamAnswer | undefined;
}

export interface Osv extends JsonUpstream {
  /** Queries of all batches, as `PyPI/django/1.0`, with `#2` for the second page. */
  readonly queries: string[];
}

/** A record as OSV has it, as far as its schema asks for it. */
export const recordOf = (id: string): JsonObject => ({
  ...{ id, modified: "2024-01-02T03:04:05Z", schema_version: "1.6.0", summary: `About ${id}` },
  affected: [],
});

/** A database of advisories that speaks the API of OSV. */
export async function osvServer(t: TestContext, options: OsvOptions): Promise<Osv> {
  const queries: string[] = [];
  let asked = 0;
  const upstream = await jsonUpstream(t, (path, body) => {
    asked += 1;
    const instead = options.instead?.(path, asked);
    if (instead) return instead;
    if (path !== "/v1/querybatch") return { body: recordOf(path.replace("/v1/vulns/", "")) };
    const sent = (body as { queries: readonly JsonObject[] }).queries;
    return { body: { results: sent.map((query) => resultOf(query, options, queries)) } };
  });
  return Object.assign(upstream, { queries });
}

function resultOf(query: JsonObject, options: OsvOptions, queries: string[]): Json {
  const { pageSize = 1000, advisories } = options;
  const { ecosystem, name } = query.package as JsonObject;
  const key = `${ecosystem}/${name}/${query.version}`;
  const at = Number(query.page_token ?? 0);
  queries.push(at === 0 ? key : `${key}#${at / pageSize + 1}`);
  const ids = advisories[key] ?? [];
  const page = ids.slice(at, at + pageSize);
  return {
    ...(page.length === 0 ? {} : { vulns: page.map((id) => ({ id, modified: "2024-01-02" })) }),
    ...(at + pageSize < ids.length ? { next_page_token: String(at + pageSize) } : {}),
  };
}

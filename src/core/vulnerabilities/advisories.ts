import type { Json } from "#base/json.ts";
import { mapBounded } from "#base/parallel.ts";
import type { Ctx } from "../ctx.ts";
import { vulnerabilityErrors } from "./errors.ts";
import { JsonService } from "./json-service.ts";
import { batchResults, idOf, queryBody } from "./osv-rules.ts";
import type { Advisories, PackageQuery } from "./types.ts";

/** Queries that OSV takes at once. */
const BATCH = 1000;
/** A list of advisories that goes on for longer is no list. */
const MOST_PAGES = 1000;
const MOST_BATCH_BYTES = 64 * 1024 * 1024;

export interface AskOptions {
  readonly signal: AbortSignal;
  /** Called with the number of queries that were answered since the last call. */
  readonly onAnswered?: (count: number) => void;
}

/**
 * Asks OSV about releases: which advisories concern each, in batches, and then each advisory once.
 *
 * @throws `vulnerabilityErrors`: the database cannot be asked, or says something else; there are more
 *   releases or advisories than the settings allow.
 * @see OSV API v1: `querybatch`, `vulns/{id}`.
 */
export async function advisoriesOf(
  ctx: Ctx,
  queries: readonly PackageQuery[],
  options: AskOptions,
): Promise<Advisories> {
  const { settings } = ctx;
  if (queries.length > settings.OSV_MAX_RELEASES)
    throw vulnerabilityErrors.tooMany(settings.OSV_MAX_RELEASES);
  await using service = new JsonService(ctx, {
    url: settings.OSV_API_URL,
    concurrency: settings.VULN_REPORT_TASK_LIMITER,
    timeoutMs: settings.OSV_API_TIMEOUT * 1000,
    mostBytes: MOST_BATCH_BYTES,
    signal: options.signal,
  });
  const database = { ctx, service };
  const batches = Array.from({ length: Math.ceil(queries.length / BATCH) }, (_, index) =>
    queries.slice(index * BATCH, (index + 1) * BATCH),
  );
  const answers = await mapBounded(batches, settings.VULN_REPORT_TASK_LIMITER, async (batch) => {
    const ids = await idsOf(database, batch);
    options.onAnswered?.(batch.length);
    return ids;
  });
  const ids = answers.flat();
  return { ids, records: await recordsOf(database, new Set(ids.flat())) };
}

interface Database {
  readonly ctx: Ctx;
  readonly service: JsonService;
}

/** Ids by query; a query whose list has pages is asked again for the next one. */
async function idsOf(
  { service, ctx }: Database,
  queries: readonly PackageQuery[],
): Promise<readonly (readonly string[])[]> {
  const path = "v1/querybatch";
  const url = ctx.settings.OSV_API_URL;
  const found = queries.map(() => new Set<string>());
  let open = queries.map((query, index) => ({ index, body: queryBody(query) }));
  for (let page = 0; open.length > 0; page += 1) {
    if (page === MOST_PAGES) throw vulnerabilityErrors.malformed(url, "a list has no end.");
    const answer = await service.ask({ path, body: { queries: open.map(({ body }) => body) } });
    const results = batchResults(url, answer, open.length);
    open = open.flatMap(({ index }, at) => {
      const { ids = [], nextPage } = results[at] ?? {};
      for (const id of ids) found[index]?.add(id);
      const query = queries[index];
      return nextPage === undefined || query === undefined
        ? []
        : [{ index, body: queryBody(query, nextPage) }];
    });
  }
  return found.map((ids) => [...ids].sort());
}

/** Each advisory by its id; one that was taken back meanwhile is none. */
async function recordsOf(
  { service, ctx }: Database,
  ids: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Json>> {
  const { OSV_API_URL: url, OSV_REPORT_MAX_SIZE: most } = ctx.settings;
  const records = new Map<string, Json>();
  let bytes = 0;
  await mapBounded([...ids], ctx.settings.VULN_REPORT_TASK_LIMITER, async (id) => {
    const record = await service.ask({ path: `v1/vulns/${encodeURIComponent(id)}` });
    if (record === undefined) return;
    if (idOf(url, record) !== id)
      throw vulnerabilityErrors.malformed(url, `instead of ${id} it has another record.`);
    bytes += JSON.stringify(record).length;
    if (bytes > most) throw vulnerabilityErrors.tooLarge(most);
    records.set(id, record);
  });
  return records;
}

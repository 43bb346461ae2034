import { Readable } from "node:stream";
import type { Json } from "#base/json.ts";
import { RecentValues } from "#base/recent-values.ts";
import { Turnstile } from "#base/turnstile.ts";
import { type Call, type Ctx, inTransaction, type Plugin, sql } from "#sdk";
import { readsAllDomains } from "../../access/audiences.ts";
import { serviceSettingsOf } from "../../settings.ts";
import { csvOf } from "./csv.ts";
import { metricsErrors } from "./errors.ts";
import { PARAMETERS, type Parameters, parametersOf } from "./parameters.ts";
import { REPORTS, type Report } from "./reports.ts";
import type { Scope } from "./scope.ts";

type Endpoint = NonNullable<Plugin["endpoints"]>[number];
type Outcome = Awaited<ReturnType<Endpoint["run"]>>;
type Rows = readonly Readonly<Record<string, Json>>[];

/** Name of the policy of all of them. */
export const BUSINESS_METRICS = "business_metrics";

const NAMES = Object.keys(REPORTS) as (keyof typeof REPORTS)[];

const OBJECT = { type: "object" } as const;
const LIST = { type: "array", items: OBJECT } as const;

const isList = (name: string): boolean => name !== "" && name !== "summary";

const endpoint = (
  name: string,
  title: string,
  run: (call: Call, parameters: Parameters) => Promise<Outcome>,
): Endpoint => ({
  path: name === "" ? BUSINESS_METRICS : `${BUSINESS_METRICS}/${name}`,
  policy: BUSINESS_METRICS,
  method: "GET",
  label: "service",
  operationId: name === "" ? `${BUSINESS_METRICS}_read` : `${BUSINESS_METRICS}_${name}`,
  tag: "Business Metrics",
  title,
  query: PARAMETERS,
  answers: { 200: isList(name) ? LIST : OBJECT },
  answerTypes: ["application/json", "text/csv"],
  async run(call) {
    const { request, reply, query, ctx } = call;
    const { accept } = request.headers;
    const parameters = parametersOf(query, { accept, nowMs: ctx.clock.now() });
    if (parameters.isOfAllDomains && !readsAllDomains(call)) throw metricsErrors.admin();
    reply.header("vary", "Accept");
    return run(call, parameters);
  },
});

/** What is counted, as reports over a time (service §9.5). */
export const businessMetrics: readonly Endpoint[] = [
  endpoint("", "List business metrics", async (call, { fromMs, toMs, isCsv }) => {
    const { root, domainEnabled, domain } = call.view;
    const base = `${root}${domainEnabled ? `${domain}/` : ""}api/v3/${BUSINESS_METRICS}/`;
    const links = NAMES.map((name) => [name, `${base}${name}/`] as const);
    if (isCsv)
      return csv(
        ["report", "link"],
        links.map(([report, link]) => ({ report, link })),
      );
    const body = {
      ...{ domain: call.caller.domain.name, from: wire(fromMs), to: wire(toMs) },
      links: Object.fromEntries(links),
    };
    return { kind: "json", status: 200, body };
  }),
  ...NAMES.map((name) =>
    endpoint(name, `Show business metrics: ${name.replaceAll("_", " ")}`, (call, parameters) =>
      answer(call, { name, report: REPORTS[name], parameters }),
    ),
  ),
];

const wire = (timeMs: number): string => new Date(timeMs).toISOString().replace(/\.000Z$/, "Z");

const csv = (columns: readonly string[], rows: Rows): Outcome => ({
  kind: "stream",
  type: "text/csv; charset=utf-8",
  body: Readable.from([Buffer.from(csvOf(columns, rows))]),
});

interface Asked {
  readonly name: string;
  readonly report: Report;
  readonly parameters: Parameters;
}

async function answer(call: Call, asked: Asked): Promise<Outcome> {
  const { report, parameters } = asked;
  const rows = await recentRows(call, asked);
  if (parameters.isCsv) return csv(report.columns, rows);
  const body: Json = report.isSingle ? (rows[0] ?? {}) : [...rows];
  return { kind: "json", status: 200, body };
}

/** What a year of a busy domain groups in without writing to the disk. */
const WORK_MEMORY = "64MB";
/** A report that takes longer is given up. */
const LONGEST = "60s";

/** @throws `metricsErrors.slow` (503) for what the database gave up. */
function tellTimeout(error: unknown): never {
  throw (error as { readonly code?: string }).code === "57014" ? metricsErrors.slow() : error;
}

/** Reports that a process counts at a time, and that wait for it. */
const AT_ONCE = 2;
const MOST_WAITING = 50;
const counting = new Turnstile(AT_ONCE);

async function rowsOf(ctx: Ctx, report: Report, scope: Scope): Promise<Rows> {
  const { rows } = await inTransaction(ctx, undefined, async (trx) => {
    await sql`select set_config('work_mem', ${WORK_MEMORY}, true),
      set_config('statement_timeout', ${LONGEST}, true)`.execute(trx);
    return report.rows(scope).execute(trx);
  }).catch(tellTimeout);
  return rows as Rows;
}

const caches = new WeakMap<Ctx["hot"], RecentValues<Rows>>();

/** Rows of the same question are believed for a while, whatever the time of the default has become. */
function recentRows(call: Call, { name, report, parameters }: Asked): Promise<Rows> {
  const { ctx, caller, query } = call;
  const settings = serviceSettingsOf(ctx);
  const { BUSINESS_METRICS_CACHE_SECONDS: seconds, BUSINESS_METRICS_CACHE_ENTRIES: most } =
    settings;
  const cache = caches.get(ctx.hot) ?? new RecentValues<Rows>(seconds * 1000, most);
  caches.set(ctx.hot, cache);
  const domain = parameters.isOfAllDomains ? null : caller.domain.num;
  const { fromMs, toMs, isCsv: _, ...others } = parameters;
  const given = [query.getAll("from").at(-1) && fromMs, query.getAll("to").at(-1) && toMs];
  const key = JSON.stringify([name, domain, given, others]);
  const compute = async () => {
    if (counting.waiting >= MOST_WAITING) throw metricsErrors.busy();
    return counting.through(() => rowsOf(ctx, report, { ...parameters, domain }));
  };
  return cache.get(key, compute, ctx.clock.now());
}

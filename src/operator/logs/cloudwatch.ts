import { setTimeout as sleep } from "node:timers/promises";
import type { CloudWatchLogsClient, ResultField } from "@aws-sdk/client-cloudwatch-logs";
import { operatorErrors } from "../errors.ts";
import { isWithin, type LogLine, type Period, unwrapped } from "./log-line.ts";

const CHUNK_MS = 300_000;
/** A query returns no more rows, and does not say that there are more. */
const MOST_ROWS = 10_000;
const MOST_LEVELS = 5;
const QUERY_MS = 300_000;
const FIRST_POLL_MS = 2000;
const MOST_POLL_MS = 30_000;
const CONNECT_MS = 5000;
const SILENCE_MS = 60_000;
/** Ends of queries are whole seconds. */
const SECOND_MS = 1000;

type Sdk = typeof import("@aws-sdk/client-cloudwatch-logs");

export interface CloudWatchOptions {
  readonly group: string;
  readonly region: string;
  readonly period: Period;
  /** Texts of which a message holds one; none takes every message. */
  readonly including: readonly string[];
  readonly signal: AbortSignal;
  /** Hears of progress, and of what may be missing. */
  note(line: string): void;
  readonly pollMs?: number;
}

/**
 * Messages of a log group of CloudWatch in the order of time, by queries of Logs Insights: one for
 * every 5 minutes, halved up to five times where a query brings as many rows as it can. Where even
 * the smallest piece does, the rest of it is missing, and is told.
 *
 * @throws `operatorErrors.logs`
 */
export async function* cloudWatchLines(options: CloudWatchOptions): AsyncGenerator<LogLine> {
  const sdk = await import("@aws-sdk/client-cloudwatch-logs");
  const client = new sdk.CloudWatchLogsClient({
    ...{ region: options.region, maxAttempts: 6 },
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENCE_MS },
  });
  try {
    const { fromMs, toMs } = options.period;
    for (let start = fromMs; start < toMs; start += CHUNK_MS) {
      const piece = { fromMs: start, toMs: Math.min(start + CHUNK_MS, toMs) };
      yield* pieceOf({ sdk, client, options }, piece, 0);
    }
  } finally {
    client.destroy();
  }
}

interface Work {
  readonly sdk: Sdk;
  readonly client: CloudWatchLogsClient;
  readonly options: CloudWatchOptions;
}

async function* pieceOf(work: Work, piece: Period, level: number): AsyncGenerator<LogLine> {
  const rows = await query(work, piece);
  const middle = halfOf(piece);
  if (rows.length >= MOST_ROWS && level < MOST_LEVELS && middle > piece.fromMs) {
    yield* pieceOf(work, { fromMs: piece.fromMs, toMs: middle }, level + 1);
    yield* pieceOf(work, { fromMs: middle, toMs: piece.toMs }, level + 1);
    return;
  }
  if (rows.length >= MOST_ROWS) {
    const [from, to] = [piece.fromMs, piece.toMs].map((ms) => new Date(ms).toISOString());
    work.options.note(
      `More than ${MOST_ROWS} lines between ${from} and ${to}: the rest of them is missing.`,
    );
  }
  // Both ends belong to a query, which has whole seconds.
  for (const row of rows) if (isWithin(piece, row.atMs)) yield row;
}

/** A whole second, so that no line is asked for in both halves but one at the very border. */
const halfOf = ({ fromMs, toMs }: Period): number =>
  Math.floor((fromMs + toMs) / 2 / SECOND_MS) * SECOND_MS;

async function query(
  { sdk, client, options }: Work,
  { fromMs, toMs }: Period,
): Promise<readonly Required<LogLine>[]> {
  const { group, signal } = options;
  try {
    const { queryId } = await client.send(
      new sdk.StartQueryCommand({
        logGroupName: group,
        startTime: Math.floor(fromMs / SECOND_MS),
        endTime: Math.ceil(toMs / SECOND_MS),
        queryString: queryText(options),
        limit: MOST_ROWS,
      }),
      { abortSignal: signal },
    );
    const rows = await resultsOf({ sdk, client, options }, queryId);
    return rows.map(lineOf);
  } catch (error) {
    signal.throwIfAborted();
    if (operatorErrors.logs.is(error)) throw error;
    throw operatorErrors.logs(group, `${(error as Error).name}: ${(error as Error).message}`);
  }
}

async function resultsOf(
  { sdk, client, options }: Work,
  queryId: string | undefined,
): Promise<readonly ResultField[][]> {
  const { group, signal, pollMs: first = FIRST_POLL_MS } = options;
  const end = performance.now() + QUERY_MS;
  for (let pauseMs = first; ; pauseMs = Math.min(pauseMs * 2, MOST_POLL_MS)) {
    const command = new sdk.GetQueryResultsCommand({ queryId });
    const { status, results = [] } = await client.send(command, { abortSignal: signal });
    if (status === "Complete") return results;
    if (status !== "Running" && status !== "Scheduled") {
      throw operatorErrors.logs(group, `the query ended as ${status}`);
    }
    if (performance.now() > end) {
      await client.send(new sdk.StopQueryCommand({ queryId }));
      throw operatorErrors.logs(group, `a query took longer than ${QUERY_MS / 1000} s`);
    }
    await sleep(pauseMs, undefined, { signal });
  }
}

/** Insights Query Language; texts are literals, not expressions. */
function queryText({ including }: CloudWatchOptions): string {
  const holds = (text: string) => `@message like "${text.replaceAll(/["\\]/g, "\\$&")}"`;
  return [
    "fields @timestamp, @message",
    ...(including.length === 0 ? [] : [`filter ${including.map(holds).join(" or ")}`]),
    "sort @timestamp asc",
    `limit ${MOST_ROWS}`,
  ].join(" | ");
}

/** Times are `2026-08-12 09:30:00.123` of UTC, of some servers milliseconds since 1970. */
function lineOf(fields: readonly ResultField[]): Required<LogLine> {
  const values = Object.fromEntries(fields.map(({ field = "", value = "" }) => [field, value]));
  const time = values["@timestamp"] ?? "";
  const atMs = /^\d+$/.test(time) ? Number(time) : Date.parse(`${time.replace(" ", "T")}Z`);
  return { atMs, text: unwrapped(values["@message"] ?? "") };
}

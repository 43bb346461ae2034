import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { appErrors } from "#app/errors.ts";
import type { Flags } from "#app/flags.ts";
import type { Options, Terminal } from "../tool.ts";
import type { AccessFacts, AccessReader } from "./access-reader.ts";
import { cloudWatchLines } from "./cloudwatch.ts";
import { localLines } from "./local-lines.ts";
import { isWithin, type LogLine, type Period } from "./log-line.ts";
import { type Column, ParquetFile, type Row } from "./parquet-file.ts";
import { type S3Target, s3Help, s3Options, s3Target, uploadFile } from "./s3-target.ts";
import { momentOf } from "./times.ts";

const text = { type: "string" } as const;

/** Flags of every export of logs. */
export const exportOptions = {
  ...{ "cloudwatch-group": text, "start-time": text, "end-time": text, "output-path": text },
  ...{ "aws-region": text, "filter-paths": text, "exclude-paths": text },
  input: { type: "string", multiple: true },
  ...s3Options,
} satisfies Options;

export const exportUsage =
  "(--cloudwatch-group GROUP --start-time T --end-time T | --input FILE…) --output-path PATH";

export const exportHelp: readonly string[] = [
  "",
  "Writes Parquet, compressed with snappy. Without a row there is no file, and the end is a good one.",
  "What is left out is counted at the end, on standard error.",
  "  --cloudwatch-group GROUP  a log group, asked by Logs Insights; credentials are those of the SDK",
  "  --input FILE        local files instead, .gz and .zst too, or - for standard input; repeatable",
  "  --start-time, --end-time T  2026-08-12T09:30:00Z, now, '3 hours ago'; the end does not belong to it",
  "  --output-path PATH  a file, or s3://BUCKET/KEY",
  "  --aws-region NAME   of the log group; us-east-1",
  "  --filter-paths A,B  keeps requests whose path holds one of these",
  "  --exclude-paths A,B leaves out those whose path holds one of these segments",
  ...s3Help,
];

export interface Export {
  readonly columns: readonly Column[];
  readonly read: AccessReader;
  /** `--filter-paths` when it is not given. */
  readonly filterPaths: readonly string[];
  readonly excludePaths: readonly string[];
  /** @param path that of the filter by which the line came in; "" without filters */
  row(facts: AccessFacts, line: string, path: string): Row | undefined;
}

/** Lines that did not become rows, by reason. */
type Skipped = Record<"not access lines" | "of another time" | "of other paths", number>;

/** Reads lines from where the flags say, and writes their rows to where the flags say. */
export async function exportLogs(
  wanted: Export,
  flags: Flags,
  terminal: Terminal,
): Promise<number> {
  const output = flags.text["output-path"];
  if (!output) throw appErrors.usage("Where to? Give --output-path FILE or s3://BUCKET/KEY.");
  const target = s3Target(output);
  const filters = pathsOf(flags.text["filter-paths"], wanted.filterPaths);
  const excluded = pathsOf(flags.text["exclude-paths"], wanted.excludePaths);
  const { lines, period } = sourceOf(flags, { filters, terminal });
  const folder = target ? await mkdtemp(join(tmpdir(), "deckle-export-")) : undefined;
  try {
    const file = folder === undefined ? output : join(folder, "export.parquet");
    const plan = { ...wanted, filters, excluded, period };
    const { count, skipped } = await writeRows(plan, { file, lines });
    for (const [reason, number] of Object.entries(skipped)) {
      if (number > 0) terminal.note(`${number} lines left out: ${reason}.`);
    }
    if (count === 0) {
      terminal.note("There is no row, so nothing is written.");
      return 0;
    }
    if (target) await send(file, target, { flags, terminal });
    terminal.print(`${count} rows in ${output}`);
    return 0;
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function send(
  file: string,
  target: S3Target,
  { flags, terminal }: { readonly flags: Flags; readonly terminal: Terminal },
): Promise<void> {
  const bytes = await uploadFile(file, target, { text: flags.text, signal: terminal.signal });
  terminal.note(`${target.address}: ${bytes} bytes.`);
}

const pathsOf = (given: string | undefined, otherwise: readonly string[]): readonly string[] =>
  given === undefined
    ? otherwise
    : given
        .split(",")
        .map((path) => path.trim())
        .filter((path) => path !== "");

interface Source {
  readonly lines: AsyncIterable<LogLine>;
  readonly period: Period | undefined;
}

function sourceOf(
  { text: flags, list }: Flags,
  { filters, terminal }: { readonly filters: readonly string[]; readonly terminal: Terminal },
): Source {
  const { input = [] } = list;
  const group = flags["cloudwatch-group"];
  if ((group === undefined) === (input.length === 0)) {
    throw appErrors.usage("Give either --cloudwatch-group GROUP or --input FILE.");
  }
  const period = periodOf(flags);
  const { signal, note } = terminal;
  if (group === undefined) return { lines: localLines(input, signal), period };
  if (!period) throw appErrors.usage("Of which time? Give --start-time and --end-time.");
  const region = flags["aws-region"] ?? "us-east-1";
  return {
    lines: cloudWatchLines({ group, region, period, including: filters, signal, note }),
    period,
  };
}

function periodOf(flags: Flags["text"]): Period | undefined {
  const [start, end] = [flags["start-time"], flags["end-time"]];
  if (start === undefined && end === undefined) return undefined;
  const now = Date.now();
  const period = {
    fromMs: momentOf("start-time", start ?? "1970-01-01", now),
    toMs: momentOf("end-time", end ?? "now", now),
  };
  if (period.fromMs < period.toMs) return period;
  throw appErrors.usage("--start-time must lie before --end-time.");
}

interface Plan extends Export {
  readonly filters: readonly string[];
  readonly excluded: readonly string[];
  readonly period: Period | undefined;
}

async function writeRows(
  plan: Plan,
  { file, lines }: { readonly file: string; readonly lines: AsyncIterable<LogLine> },
): Promise<{ readonly count: number; readonly skipped: Skipped }> {
  const skipped: Skipped = { "not access lines": 0, "of another time": 0, "of other paths": 0 };
  await using parquet = new ParquetFile(file, plan.columns);
  for await (const line of lines) {
    const row = rowOf(plan, line);
    if (typeof row === "string") skipped[row] += 1;
    else await parquet.add(row);
  }
  return { count: await parquet.finish(), skipped };
}

/** The row of a line, or why it has none. */
function rowOf(plan: Plan, { text: line, atMs }: LogLine): Row | keyof Skipped {
  const read = plan.read(line);
  if (!read) return "not access lines";
  // Collectors know more than the second of the line.
  const facts = { ...read, atMs: atMs ?? read.atMs };
  if (plan.period && !isWithin(plan.period, facts.atMs)) return "of another time";
  const filter = plan.filters.length === 0 ? "" : plan.filters.find((p) => facts.path.includes(p));
  const isWanted = filter !== undefined && !plan.excluded.some((p) => holds(facts.path, p));
  return (isWanted && plan.row(facts, line, filter)) || "of other paths";
}

/** `/status` is in `/a/status/` but not in `/a/status-page/`. */
function holds(path: string, part: string): boolean {
  const end = `${path}/`.indexOf(part.endsWith("/") ? part : `${part}/`);
  return end >= 0;
}

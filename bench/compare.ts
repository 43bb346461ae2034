import { cpuSeconds } from "../test/support/process-tree.ts";
import type { Goal, LoadResult, Pairing, Side } from "./scenario.ts";
import { bootstrapMedian, type Interval } from "./statistics.ts";

export interface Sample extends LoadResult {
  /** CPU of the side's processes per operation, milliseconds. */
  readonly cpuMs: number;
}

export interface Verdict extends Goal {
  readonly value: Interval;
  /** The unfavourable end of the interval is inside the bound. */
  readonly passes: boolean;
}

export interface Comparison {
  readonly name: string;
  readonly ours: { readonly name: string; readonly samples: readonly Sample[] };
  readonly theirs: { readonly name: string; readonly samples: readonly Sample[] };
  readonly verdicts: readonly Verdict[];
}

export interface CompareOptions {
  readonly pairs: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** Runs both sides as A B B A …, so that drift of the machine hits them alike. */
export async function compare(pairing: Pairing, options: CompareOptions): Promise<Comparison> {
  const { ours, theirs } = pairing;
  const seconds = pairing.seconds ?? options.seconds;
  const pairs = Math.max(pairing.pairs ?? 0, options.pairs);
  const warmUp = Math.max(pairing.warmUpSeconds ?? 0, options.warmUpSeconds);
  for (const side of [ours, theirs]) await side.load(warmUp);
  const samples = { ours: [] as Sample[], theirs: [] as Sample[] };
  for (let pair = 0; pair < pairs; pair += 1) {
    const order = pair % 2 === 0 ? (["ours", "theirs"] as const) : (["theirs", "ours"] as const);
    for (const who of order) samples[who].push(await measure(pairing[who], seconds));
  }
  return {
    name: pairing.name,
    ours: { name: ours.name, samples: samples.ours },
    theirs: { name: theirs.name, samples: samples.theirs },
    verdicts: pairing.goals.map((goal) => judge(goal, samples)),
  };
}

async function measure(side: Side, seconds: number): Promise<Sample> {
  const before = await cpuSeconds(await side.pids());
  const result = await side.load(seconds);
  // Looked up again: a connection that opened under load is a process whose whole CPU is of it.
  const spent = (await cpuSeconds(await side.pids())) - before;
  if (result.errors > 0) throw new Error(`${side.name}: ${result.errors} errors under load`);
  if (result.operations === 0) throw new Error(`${side.name} did nothing`);
  return { ...result, cpuMs: (1000 * spent) / result.operations };
}

interface Samples {
  readonly ours: readonly Sample[];
  readonly theirs: readonly Sample[];
}

/** A ratio counts when the lower end of its interval passes, a cost when the upper end does. */
export function judge(goal: Goal, samples: Samples): Verdict {
  const value = bootstrapMedian(measures[goal.measure](samples));
  const isCost = goal.measure === "cpuMs" || goal.measure === "slowdown";
  const passes = isCost ? value.high <= goal.bound : value.low >= goal.bound;
  return { ...goal, value, passes };
}

const rate = ({ operations, seconds }: Sample): number => operations / seconds;

/** Values per pair; the pair, not the mean, is what the machine's mood cannot bend. */
const measures: Readonly<Record<Goal["measure"], (samples: Samples) => readonly number[]>> = {
  rate: (samples) => ratios(samples, (a, b) => rate(a) / rate(b)),
  cpu: (samples) => ratios(samples, (a, b) => b.cpuMs / a.cpuMs),
  slowdown: (samples) => ratios(samples, (a, b) => rate(b) / rate(a)),
  cpuMs: ({ ours }) => ours.map(({ cpuMs }) => cpuMs),
};

function ratios(
  { ours, theirs }: Samples,
  ratio: (ours: Sample, theirs: Sample) => number,
): readonly number[] {
  return ours.flatMap((sample, index) => {
    const other = theirs[index];
    return other === undefined ? [] : [ratio(sample, other)];
  });
}

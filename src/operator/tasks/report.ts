import { tableLines } from "#app/commands/told.ts";
import type { TaskTimes } from "./admin-tasks.ts";
import { Distribution } from "./distribution.ts";

/** What is known of the tasks of one name. */
interface Group {
  readonly states: Map<string, number>;
  readonly waited: Distribution;
  readonly ran: Distribution;
}

const HOUR_MS = 3_600_000;
/** Names come from plugins and are few; a server that makes them up does not fill the memory. */
const MOST_GROUPS = 1000;
const OTHERS = "(others)";
const BAR = 50;

/** Counts tasks, and how long they waited and ran, by name. */
export class TaskReport {
  readonly #groups = new Map<string, Group>();
  readonly #all: Group = newGroup();
  readonly #hours = new Map<number, number>();

  add(task: TaskTimes): void {
    const isKnown = this.#groups.has(task.name) || this.#groups.size < MOST_GROUPS;
    const name = isKnown ? task.name : OTHERS;
    const group = this.#groups.get(name) ?? newGroup();
    this.#groups.set(name, group);
    for (const each of [group, this.#all]) addTo(each, task);
    const hour = Math.floor(task.createdMs / HOUR_MS);
    this.#hours.set(hour, (this.#hours.get(hour) ?? 0) + 1);
  }

  get count(): number {
    return sumOf(this.#all.states);
  }

  /** A table with a line for each name, most tasks first, and one for all of them. */
  lines(): readonly string[] {
    const groups = [...this.#groups].sort(([, a], [, b]) => sumOf(b.states) - sumOf(a.states));
    return tableLines([
      ["task", "count", "states", ...headings("wait"), ...headings("run")],
      ...groups.map(([name, group]) => row(name, group)),
      row("all", this.#all),
    ]);
  }

  /** Bars: tasks by hour, and how many waited and ran how long. */
  plots(): readonly string[] {
    const hours = [...this.#hours].sort(([a], [b]) => a - b);
    const label = (hour: number) => new Date(hour * HOUR_MS).toISOString().slice(0, 13);
    return [
      ...plot(
        "tasks created by hour (UTC)",
        hours.slice(-48).map(([hour, count]) => [label(hour), count]),
      ),
      ...plot("tasks by the time that they waited", bars(this.#all.waited)),
      ...plot("tasks by the time that they ran", bars(this.#all.ran)),
    ];
  }
}

const newGroup = (): Group => ({
  ...{ states: new Map(), waited: new Distribution(), ran: new Distribution() },
});

function addTo({ states, waited, ran }: Group, task: TaskTimes): void {
  states.set(task.state, (states.get(task.state) ?? 0) + 1);
  if (task.waited !== undefined) waited.add(task.waited);
  if (task.ran !== undefined) ran.add(task.ran);
}

const sumOf = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((sum, count) => sum + count, 0);

const SHARES = [0.5, 0.9, 0.95, 0.99];

const headings = (what: string): readonly string[] => [
  ...SHARES.map((share) => `${what} p${share * 100}`),
  `${what} max`,
];

function row(name: string, { states, waited, ran }: Group): readonly string[] {
  const told = [...states].sort(([a], [b]) => (a < b ? -1 : 1)).map(([s, n]) => `${s}=${n}`);
  return [name, String(sumOf(states)), told.join(" "), ...cells(waited), ...cells(ran)];
}

const cells = (times: Distribution): readonly string[] =>
  times.count === 0
    ? [...SHARES.map(() => "-"), "-"]
    : [...SHARES.map((share) => seconds(times.percentile(share))), seconds(times.greatest)];

/** `0.012s`, `3.4s`, `125s`. */
const seconds = (value: number): string =>
  `${value < 1 ? value.toFixed(3) : value < 100 ? value.toFixed(1) : value.toFixed(0)}s`;

const bars = (times: Distribution): readonly (readonly [string, number])[] =>
  times.decades().map(([upTo, count]) => [`≤ ${seconds(upTo)}`, count]);

function plot(
  title: string,
  values: readonly (readonly [label: string, count: number])[],
): readonly string[] {
  const most = Math.max(1, ...values.map(([, count]) => count));
  const width = Math.max(0, ...values.map(([label]) => label.length));
  return [
    "",
    `${title}:`,
    ...values.map(([label, count]) => {
      const bar = "█".repeat(Math.max(1, Math.round((count / most) * BAR)));
      return `  ${label.padEnd(width)}  ${bar} ${count}`;
    }),
  ];
}

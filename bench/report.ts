import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { arch, cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { repositoryRoot } from "../test/support/server.ts";
import type { Comparison } from "./compare.ts";
import type { Figure } from "./scenario.ts";

export interface Report {
  readonly name: string;
  readonly settings: Readonly<Record<string, number>>;
  readonly calibrators: Readonly<Record<string, number>>;
  readonly comparisons: readonly Comparison[];
  readonly figures: readonly Figure[];
}

/** Writes `bench/results/<date>-<name>.json`, both sides with all samples; its path. */
export async function writeReport(report: Report): Promise<string> {
  const folder = join(repositoryRoot, "bench/results");
  await mkdir(folder, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const path = join(folder, `${date}-${report.name}.json`);
  const whole = { date: new Date().toISOString(), ...where(), ...report };
  await writeFile(path, `${JSON.stringify(whole, null, 1)}\n`);
  return path;
}

const where = () => ({
  commit: output("git", "rev-parse", "HEAD"),
  machine: {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    arch: arch(),
  },
  versions: { node: process.version, nginx: versionOf("nginx", "-v"), wrk: versionOf("wrk", "-v") },
});

function output(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { cwd: repositoryRoot, encoding: "utf8" }).trim();
}

/** Both programs tell their version on one of the two outputs, and one ends with an error. */
function versionOf(program: string, flag: string): string {
  const text = execFileSync("sh", ["-c", `${program} ${flag} 2>&1 || true`], { encoding: "utf8" });
  return text.split("\n")[0]?.trim() ?? "";
}

const round = (value: number): string => value.toPrecision(3);

/** One line per goal and figure. */
export function describe({ comparisons, figures }: Report): readonly string[] {
  const goals = comparisons.flatMap(({ name, verdicts }) =>
    verdicts.map(({ measure, value, bound, passes }) => {
      const range = `${round(value.median)} [${round(value.low)}, ${round(value.high)}]`;
      return `${passes ? "pass" : "FAIL"}  ${name}  ${measure} ${range}, bound ${bound}`;
    }),
  );
  const single = figures.map(({ name, value, unit, bound }) => {
    const mark = bound === undefined ? "    " : value <= bound ? "pass" : "FAIL";
    return `${mark}  ${name}  ${round(value)} ${unit}${bound === undefined ? "" : `, bound ${bound}`}`;
  });
  return [...goals, ...single];
}

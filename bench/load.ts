import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoadResult } from "./scenario.ts";

export interface HttpLoad {
  /** Address to ask; with `paths`, only its origin counts. */
  readonly url: string;
  readonly paths?: readonly string[];
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly connections?: number;
  /** Seconds after which an answer is missing; 2 without it. */
  readonly patienceS?: number;
  /** Statuses that are a success besides 2xx and 3xx. */
  readonly alsoFine?: readonly number[];
}

/** A closed loop by `wrk`, one thread: each connection asks again as soon as it is answered. */
export async function wrk(load: HttpLoad, seconds: number): Promise<LoadResult> {
  const script = join(tmpdir(), `deckle-wrk-${process.pid}.lua`);
  await writeFile(script, lua(load));
  const duration = Math.max(1, Math.round(seconds));
  const { stdout, stderr } = await run("wrk", [
    ...["-t", "1", "-c", String(load.connections ?? 64), "-d", `${duration}s`],
    ...["--timeout", `${load.patienceS ?? 2}s`, "-s", script, load.url],
  ]);
  const line = stdout.split("\n").find((each) => each.startsWith("result "));
  if (line === undefined) throw new Error(`wrk: ${stdout}${stderr}`);
  return JSON.parse(line.slice("result ".length)) as LoadResult;
}

const lua = ({ paths = [], method = "GET", headers = {}, body, alsoFine = [] }: HttpLoad) => `
wrk.method = ${JSON.stringify(method)}
${Object.entries(headers)
  .map(([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`)
  .join("\n")}
${body === undefined ? "" : `wrk.body = ${JSON.stringify(body)}`}
local paths = {${paths.map((path) => JSON.stringify(path)).join(",")}}
local turn = 0
if #paths > 0 then
  request = function()
    turn = turn % #paths + 1
    return wrk.format(nil, paths[turn])
  end
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'result {"operations":%d,"seconds":%f,"errors":%d,"p50Ms":%f,"p99Ms":%f}\\n',
    summary.requests, summary.duration / 1e6,
    e.connect + e.read + e.write + e.timeout + ${alsoFine.length > 0 ? "0" : "e.status"},
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
`;

/** A closed loop in this process, for work that is more than one request. */
export async function loop(
  work: () => Promise<void>,
  seconds: number,
  clients = 1,
): Promise<LoadResult> {
  const started = performance.now();
  const deadline = started + seconds * 1000;
  const times: number[] = [];
  const client = async () => {
    while (performance.now() < deadline) {
      const begun = performance.now();
      await work();
      times.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(share * (times.length - 1))] ?? 0;
  return {
    operations: times.length,
    seconds: (performance.now() - started) / 1000,
    errors: 0,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

export function run(
  program: string,
  args: readonly string[],
): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error) reject(error);
      else resolve({ stdout, stderr });
    });
  });
}

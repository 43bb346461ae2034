import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** One process as the kernel tells it (Linux `/proc`). */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  /** User and system time, seconds. */
  readonly cpu: number;
}

/** Kernel ticks per second; Linux reports 100 on every architecture that Node runs on. */
const TICKS = 100;

export async function listProcesses(): Promise<readonly ProcessInfo[]> {
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(names.map(readProcess));
  return all.filter((each) => each !== undefined);
}

async function readProcess(pid: string): Promise<ProcessInfo | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (stat === undefined) return undefined;
  const end = stat.lastIndexOf(")");
  const fields = stat.slice(end + 2).split(" ");
  // utime and stime of the process, and of its children that ended and were waited for.
  const ticks = [11, 12, 13, 14].map((index) => Number(fields[index]));
  return {
    pid: Number(pid),
    parent: Number(fields[1]),
    command: stat.slice(stat.indexOf("(") + 1, end),
    cpu: ticks.reduce((sum, each) => sum + each, 0) / TICKS,
  };
}

/** Process ids of a process and everything below it, itself first. */
export async function processTree(pid: number): Promise<readonly number[]> {
  const all = await listProcesses();
  const tree = [pid];
  for (const each of tree) {
    tree.push(...all.filter(({ parent }) => parent === each).map((child) => child.pid));
  }
  const alive = new Set(all.map((each) => each.pid));
  return tree.filter((each) => alive.has(each));
}

/** CPU seconds spent so far by these processes and by their children that ended. */
export async function cpuSeconds(pids: readonly number[]): Promise<number> {
  const infos = await Promise.all(pids.map((pid) => readProcess(String(pid))));
  return infos.reduce((sum, info) => sum + (info?.cpu ?? 0), 0);
}

/** Proportional set size of one process in bytes: shared pages are divided among their users. */
export async function pssBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
  return 1024 * Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0);
}

/** Largest resident set of a process so far, in bytes. */
export async function peakBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(text)?.[1] ?? 0);
}

export async function commandLine(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return text.replaceAll("\0", " ").trim();
}

/** Kills processes at once, and waits until they are gone: for a moment yet they have their files. */
export async function killAll(pids: readonly number[]): Promise<void> {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
  const isThere = async () => (await listProcesses()).some(({ pid }) => pids.includes(pid));
  while (await isThere()) await sleep(10);
}

import { hash } from "node:crypto";
import { prn } from "#base/prn.ts";
import { FINAL_STATES, type TaskState } from "./table.ts";

/** Texts that clients and scripts read (core-tasks-ops §§3.2, 5, 6). */
export const reasons = {
  busy: "Resources temporarily unavailable.",
  missing: "Worker has gone missing.",
  shutdown: "Aborted during worker shutdown.",
  group: "Task group was canceled.",
  maxRuntime: (seconds: number) => `Task exceeded maximum runtime of ${seconds} seconds.`,
  signal: (signal: number) => `Killed by signal ${signal}.`,
  exit: (code: number) => `Task process died unexpectedly with exitcode ${code}.`,
} as const;

export const SHARED_PREFIX = "shared:";

/** Wall time of an immediate task. */
export const IMMEDIATE_LIMIT_MS = 5000;

export interface Resources {
  /** Sorted, without repetition. */
  readonly exclusive: readonly string[];
  /** Sorted, without repetition, none of them exclusive. */
  readonly shared: readonly string[];
}

/** Locks in the order in which they are taken. */
export interface Locks {
  readonly keys: readonly string[];
  readonly excl: readonly boolean[];
}

/**
 * 64 bits of the SHA-256 of a resource name, as the text of a signed integer. Two names with one
 * key only wait for each other without need.
 */
export const lockKey = (name: string): string =>
  hash("sha256", name, "buffer").readBigInt64BE().toString();

/** Every task shares its domain, so a task that has the domain exclusively is alone in it. */
export function normalizeResources(
  domainId: string,
  exclusive: readonly string[] = [],
  shared: readonly string[] = [],
): Resources {
  const taken = new Set(exclusive);
  const others = new Set([prn("core.domain", domainId), ...shared].filter((n) => !taken.has(n)));
  return { exclusive: [...taken].sort(), shared: [...others].sort() };
}

/** As the API shows and filters them: exclusive names as they are, shared ones with a prefix. */
export const resourceRecord = ({ exclusive, shared }: Resources): string[] => [
  ...exclusive,
  ...shared.map((name) => `${SHARED_PREFIX}${name}`),
];

/** Everybody takes locks in rising order, so nobody waits in a circle. */
export function toLocks({ exclusive, shared }: Resources): Locks {
  const modes = new Map<bigint, boolean>();
  for (const name of shared) modes.set(BigInt(lockKey(name)), false);
  for (const name of exclusive) modes.set(BigInt(lockKey(name)), true);
  const sorted = [...modes].sort(([a], [b]) => (a < b ? -1 : 1));
  return { keys: sorted.map(([key]) => key.toString()), excl: sorted.map(([, mode]) => mode) };
}

export const isFinal = (state: TaskState): boolean =>
  (FINAL_STATES as readonly TaskState[]).includes(state);

const NEXT: Readonly<Record<TaskState, readonly TaskState[]>> = {
  waiting: ["running", "canceling"],
  running: ["completed", "failed", "canceling"],
  canceling: ["canceling", "canceled", "failed"],
  completed: [],
  failed: [],
  canceled: [],
  skipped: [],
};

/** The state machine of core-tasks-ops §2; final states never change. */
export const mayBecome = (from: TaskState, to: TaskState): boolean => NEXT[from].includes(to);

export interface NameParts {
  readonly pid: number | string;
  readonly hostname: string;
  readonly fqdn: string;
}

/** Name of a process; from the second slot of a worker on, `<pid>.<slot>` stands for the pid. */
export function processName(template: string, parts: NameParts, slot = 1): string {
  const pid = slot === 1 ? `${parts.pid}` : `${parts.pid}.${slot}`;
  const name = template
    .replaceAll("{pid}", pid)
    .replaceAll("{hostname}", parts.hostname)
    .replaceAll("{fqdn}", parts.fqdn);
  return slot === 1 || template.includes("{pid}") ? name : `${name}.${slot}`;
}

/** Folder name below the working directory; a process name may hold anything. */
export const folderName = (processName_: string): string =>
  processName_.replaceAll(/[^\w@.-]/g, "_").replace(/^\.+/, "_");

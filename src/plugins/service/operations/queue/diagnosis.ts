import type { Holders } from "../locks/holders.ts";
import type { Blocker } from "./blockers.ts";
import type { QueuedTask, QueueState } from "./queued-task.ts";
import { holdersOfTask, type TaskLocks } from "./task-locks.ts";

/** What is to be said about a task; codes are those of service §10.2. */
export interface Diagnosis {
  readonly bug: string | null;
  readonly severity: "critical" | "high" | "warning" | "info";
  readonly summary: string;
}

export interface Evidence {
  readonly task: QueuedTask & QueueState;
  readonly blockers: readonly Blocker[];
  readonly locks: TaskLocks;
  readonly holders: Holders;
}

/**
 * At least one. Claims of waiting tasks and a window that hides tasks cannot come about here, so their
 * codes are not told; locks are shown and decide nothing, so what is wrong with them delays no task.
 */
export function diagnosisOf(evidence: Evidence): readonly Diagnosis[] {
  const found = [...lockProblems(evidence), ...queueProblems(evidence)];
  return found.length > 0 ? found : [plainState(evidence.task)];
}

/** Holders of locks of the task that are not online. */
export const orphanHolders = ({ task, locks, holders }: Evidence): readonly string[] =>
  holdersOfTask(locks, task).filter((name) => !holders.isOnline(name));

function lockProblems(evidence: Evidence): readonly Diagnosis[] {
  const { task, locks } = evidence;
  const orphans = orphanHolders(evidence);
  if (orphans.length > 0) {
    const summary = `Locks are shown by ${orphans.join(", ")}, which is not online.`;
    return [{ bug: "BUG_2_ORPHANED_LOCK", severity: "critical", summary }];
  }
  const isUnseen =
    locks.isShown && task.state === "running" && task.owner_kind === "worker" && task.is_online;
  if (!isUnseen || locks.lock(`task:${task.task_id}`).kind !== "none") return [];
  const summary = `${task.owner_name} runs it and shows no lock: it may use another Redis.`;
  return [{ bug: "BUG_5_SPLIT_REDIS", severity: "warning", summary }];
}

function queueProblems({ task, blockers }: Evidence): readonly Diagnosis[] {
  if (task.is_parked) {
    const summary = "No worker has the versions it needs.";
    return [{ bug: "VERSION_INCOMPATIBILITY", severity: "critical", summary }];
  }
  if (task.state !== "waiting" || blockers.length === 0) return [];
  const summary = `It waits for ${blockers.length} earlier tasks.`;
  return [{ bug: "BUG_4_FIFO_RESOURCE_BLOCKING", severity: "high", summary }];
}

function plainState({ state }: QueuedTask): Diagnosis {
  const says: Readonly<Record<string, string>> = {
    waiting: "It waits for a worker.",
    running: "It runs.",
  };
  return { bug: null, severity: "info", summary: says[state] ?? `It is ${state}.` };
}

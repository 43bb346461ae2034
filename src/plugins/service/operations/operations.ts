import { adminTasks } from "./admin-tasks.ts";
import { errorCheck, exceptionCheck, headerCheck, redirectCheck } from "./checks.ts";
import { describeConnectionTests, startConnectionTests } from "./connections/endpoint.ts";
import { dataRepair } from "./data-repair.ts";
import type { Endpoint } from "./endpoint.ts";
import { describeCleanup, startCleanup } from "./locks/cleanup.ts";
import { releaseLocks, releaseLocksByGet } from "./locks/release.ts";
import { staleLocks } from "./locks/stale-locks.ts";
import { memoryTrial } from "./memory-trial.ts";
import { taskDebug } from "./queue/task-debug.ts";
import { taskQueue } from "./queue/task-queue.ts";
import { databaseTriggers, testLockedTasks, testTasks } from "./trials.ts";

/** What operators and probes ask for, at fixed addresses (service §10). */
export const operations: readonly Endpoint[] = [
  redirectCheck,
  errorCheck,
  exceptionCheck,
  headerCheck,
  adminTasks,
  taskDebug,
  taskQueue,
  staleLocks,
  describeCleanup,
  startCleanup,
  releaseLocks,
  releaseLocksByGet,
  databaseTriggers,
  testTasks,
  testLockedTasks,
  memoryTrial,
  describeConnectionTests,
  startConnectionTests,
  dataRepair,
];

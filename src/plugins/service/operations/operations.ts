import { errorCheck, exceptionCheck, headerCheck, redirectCheck } from "./checks.ts";
import type { Endpoint } from "./endpoint.ts";
import { taskDebug, taskQueue } from "./queue.ts";
import { databaseTriggers, testLockedTasks, testTasks } from "./trials.ts";

/** What operators and probes ask for, at fixed addresses (service §10). */
export const operations: readonly Endpoint[] = [
  redirectCheck,
  errorCheck,
  exceptionCheck,
  headerCheck,
  taskDebug,
  taskQueue,
  databaseTriggers,
  testTasks,
  testLockedTasks,
];

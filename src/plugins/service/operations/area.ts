import type { Area } from "../area.ts";
import { connectionTests } from "./connections/tasks.ts";
import { repairVersions } from "./data-repair.ts";
import { cleanUpLocks } from "./locks/cleanup.ts";
import { operations as endpoints } from "./operations.ts";
import { countContentSources, countRhelAi, noOp, operatorSchedules } from "./tasks.ts";

/** What operators and probes ask for (service §10). */
export const operations: Area = {
  endpoints,
  tasks: [
    ...[noOp, countContentSources, countRhelAi, cleanUpLocks, repairVersions],
    ...connectionTests.map(([, task]) => task),
  ],
  schedules: operatorSchedules,
};

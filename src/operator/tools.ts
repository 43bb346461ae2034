import { pulpBenchmark } from "./benchmark/pulp-benchmark.ts";
import { oauth2Token } from "./client/oauth2-token.ts";
import { deleteDomain } from "./domains/delete-domain.ts";
import { exportAccessLogs, exportContentLogs, uploadParquet } from "./logs/export-tools.ts";
import { repairPythonMetadata } from "./python/repair-metadata.ts";
import { verifyPythonMetadata } from "./python/verify-metadata.ts";
import { configureYankMonitors } from "./python/yank-monitors.ts";
import { tasksCli } from "./tasks/tasks-cli.ts";
import type { Tool } from "./tool.ts";

/** Every tool of `deckle-operator`, by name. */
export const tools: readonly Tool[] = [
  configureYankMonitors,
  deleteDomain,
  exportAccessLogs,
  exportContentLogs,
  oauth2Token,
  pulpBenchmark,
  repairPythonMetadata,
  tasksCli,
  uploadParquet,
  verifyPythonMetadata,
];

import { deleteDomain } from "./domains/delete-domain.ts";
import { exportAccessLogs, exportContentLogs, uploadParquet } from "./logs/export-tools.ts";
import type { Tool } from "./tool.ts";

/** Every tool of `deckle-operator`, by name. */
export const tools: readonly Tool[] = [
  deleteDomain,
  exportAccessLogs,
  exportContentLogs,
  uploadParquet,
];

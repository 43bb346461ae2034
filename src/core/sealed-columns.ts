import type { SealedTable } from "./plugin-contract.ts";
import { SECRET_COLUMNS } from "./remotes/types.ts";

/**
 * Every column of the core that holds Fernet tokens. The rotation of keys goes through this list, and
 * a test compares it with the tokens that it finds in the database.
 */
export const coreSealed: readonly SealedTable[] = [
  { model: "Remote", table: "remote", columns: SECRET_COLUMNS, keyColumn: "secrets_key" },
  { model: "Domain", table: "domain", columns: ["storage_settings"], isJson: true },
  { model: "Task", table: "task", columns: ["arguments"] },
  { model: "SigningService", table: "signing_service", columns: ["private_key"] },
  { model: "TaskSchedule", table: "task_schedule", columns: ["arguments"] },
];

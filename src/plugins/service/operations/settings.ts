import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

/** What operators ask for (service §10). */
export const operationsSettings = defineSettings({
  AUTHENTICATION_HEADER_DEBUG: {
    schema: Type.Boolean(),
    default: false,
    doc: "Feature guards write the header that they have read to the log, and `/api/pulp/debug_auth_header/` shows it.",
  },
  TEST_TASK_INGESTION: {
    schema: Type.Boolean(),
    default: false,
    doc: "`/api/pulp/test/tasks/` and `/api/pulp/test/random_lock_tasks/` dispatch tasks that do nothing, for anybody who asks: for measurements only.",
  },
  RDS_CONNECTION_TESTS_ENABLED: {
    schema: Type.Boolean(),
    default: false,
    doc: "`/api/pulp/rds-connection-tests/` starts tasks that hold connections to the database, for anybody who asks: to find out what a proxy before the database drops. With `DEBUG` it does so anyway.",
  },
});

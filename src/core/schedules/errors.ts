import { defineErrors } from "#base/errors.ts";

/** Codes and texts are a contract: never renumbered, never reused, changed only with a note. */
export const scheduleErrors = defineErrors({
  unknownTask: {
    code: "schedule-task",
    status: 500,
    message: (task: string) => `No installed plugin provides the task ${task}.`,
  },
});

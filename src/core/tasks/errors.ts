import { defineErrors } from "#base/errors.ts";

/** Codes and texts are a contract: never renumbered, never reused, changed only with a note. */
export const taskErrors = defineErrors({
  internal: { code: "PLP0000", status: 500, message: () => "An internal error occurred." },
  missingPlugin: {
    code: "PLP0002",
    status: 500,
    message: (task: string) => `No installed plugin provides the task ${task}.`,
  },
  notImmediate: {
    code: "PLP0023",
    status: 500,
    message: (task: string) =>
      `Task ${task} is not configured correctly: Immediate tasks must be async functions.`,
  },
  immediateTimeout: {
    code: "PLP0024",
    status: 500,
    message: (id: string, task: string, seconds: number) =>
      `Immediate task ${id} (type: ${task}) timed out after ${seconds} seconds.`,
  },
  input: {
    code: "task-input",
    status: 500,
    message: (task: string, path: string, problem: string) =>
      `Task ${task} was given input that it does not take: ${path || "/"}: ${problem}`,
  },
  result: {
    code: "task-result",
    status: 500,
    message: (task: string, problem: string) =>
      `Task ${task} returned what JSON cannot hold: ${problem}`,
  },
  nowhere: {
    code: "task-nowhere",
    status: 500,
    message: (task: string) => `Task ${task} may run neither at once nor later.`,
  },
  unknownGroup: { code: "task-group", status: 404, message: () => "No such task group." },
});

import { defineErrors } from "#base/errors.ts";

/** Refusals of resources of the core that no command knows. */
export const resourceErrors = defineErrors({
  incompleteTask: {
    code: "task-incomplete",
    status: 409,
    message: () => "The task has not ended; cancel it first.",
  },
});

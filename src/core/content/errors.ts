import { defineErrors } from "#base/errors.ts";

/** Codes and texts are a contract: never renumbered, never reused, changed only with a note. */
export const contentErrors = defineErrors({
  vanished: {
    code: "content-vanished",
    status: 500,
    message: (type: string) => `A unit of type ${type} was removed while it was being saved.`,
  },
});

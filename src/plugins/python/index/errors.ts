import { defineErrors } from "#base/errors.ts";

/** Refusals of an index (plugin-python §6). */
export const indexErrors = defineErrors({
  nothing: {
    code: "python-index-empty",
    status: 404,
    message: () => "No repository associated with this index",
  },
});

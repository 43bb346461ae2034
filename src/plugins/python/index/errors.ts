import { defineErrors } from "#base/errors.ts";

/** Refusals of an index (plugin-python §6). */
export const indexErrors = defineErrors({
  nothing: {
    code: "python-index-empty",
    status: 404,
    message: () => "No repository associated with this index",
  },
  noRelease: {
    code: "python-index-no-release",
    status: 404,
    message: (name: string, version: string) => `${name} ${version} is not in this index.`,
  },
});

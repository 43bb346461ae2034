import { defineErrors } from "#base/errors.ts";

/** Refusals of an index (plugin-python §6). */
export const indexErrors = defineErrors({
  nothing: {
    code: "python-index-empty",
    status: 404,
    message: () => "No repository associated with this index",
  },
  unreachable: {
    code: "python-index-upstream",
    status: 502,
    message: (basePath: string) =>
      `The upstream of ${basePath} cannot be asked, so that nobody knows what it has.`,
  },
  noRelease: {
    code: "python-index-no-release",
    status: 404,
    message: (name: string, version: string) => `${name} ${version} is not in this index.`,
  },
});

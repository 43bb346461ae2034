import { defineErrors } from "#base/errors.ts";

export const pythonErrors = defineErrors({
  noRepository: {
    code: "python_repository_missing",
    status: 404,
    message: (id: string) => `Python repository ${id} does not exist.`,
  },
  noVersion: {
    code: "python_version_missing",
    status: 404,
    message: (id: string) => `Repository version ${id} does not exist.`,
  },
});

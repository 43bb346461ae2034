import { defineErrors } from "#base/errors.ts";

/** What stops the start of a registry with token authentication. */
export const registryAuthErrors = defineErrors({
  keys: {
    code: "pulp_container.E001",
    status: 500,
    message: (sentence: string) =>
      `pulp_container.E001: The keys of the container registry: ${sentence}`,
  },
});

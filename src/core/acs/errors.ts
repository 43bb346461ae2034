import { defineErrors } from "#base/errors.ts";

export const acsErrors = defineErrors({
  notFound: {
    code: "acs_not_found",
    status: 404,
    message: (id: string) => `Alternate content source ${id} does not exist.`,
  },
});

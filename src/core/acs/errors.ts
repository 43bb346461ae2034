import { defineErrors, fieldError } from "#base/errors.ts";
import type { ConstraintTable } from "../constraints.ts";

export const acsErrors = defineErrors({
  notFound: {
    code: "acs_not_found",
    status: 404,
    message: (id: string) => `Alternate content source ${id} does not exist.`,
  },
});

export const acsConstraints: ConstraintTable = {
  acs_name: () => fieldError("name", "This field must be unique."),
};

import { defineErrors } from "#base/errors.ts";

/** Refusals of the administration site. What is not there and what is not his to see are the same. */
export const adminErrors = defineErrors({
  forbidden: {
    code: "admin-forbidden",
    status: 403,
    message: () => "You may not do that.",
  },
  missing: {
    code: "admin-missing",
    status: 404,
    message: () => "There is no such object, or you may not see it.",
  },
  notActing: {
    code: "admin-not-acting",
    status: 400,
    message: () => "You do not act as another user.",
  },
  cannotAct: {
    code: "admin-cannot-act",
    status: 400,
    message: () => "One acts as an active user other than oneself, and as one at a time.",
  },
});

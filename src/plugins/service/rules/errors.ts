import { defineErrors } from "#base/errors.ts";

/** Refusals of rules before content guards (service §9.2). */
export const ruleErrors = defineErrors({
  gone: { code: "guard-rule-gone", status: 404, message: () => "Not found." },
});

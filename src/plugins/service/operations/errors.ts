import { defineErrors } from "#base/errors.ts";

/** Texts of service §10, which tools and dashboards read. */
export const operationErrors = defineErrors({
  method: { code: "operation-method", status: 405, message: () => 'Method "GET" not allowed.' },
  off: { code: "operation-off", status: 403, message: () => "Access denied." },
});

import { defineErrors } from "#base/errors.ts";

/** Refusals of yank monitors (service §8.3). */
export const yankErrors = defineErrors({
  noReport: { code: "yank-no-report", status: 404, message: () => "Not found." },
  gone: {
    code: "yank-monitor-gone",
    status: 404,
    message: (id: string) => `There is no yank monitor ${id}.`,
  },
  tooMany: {
    code: "yank-too-many",
    status: 400,
    message: (most: number) => `The version has more than ${most} releases, which is too many.`,
  },
});

import { defineErrors } from "#base/errors.ts";

/** Why an upstream registry does not give what it is asked for (plugin-container §5). */
export const upstreamErrors = defineErrors({
  noUrl: {
    code: "container_remote_url",
    status: 400,
    message: () => "A remote must have a url attribute to sync.",
  },
  status: {
    code: "container_upstream_status",
    status: 502,
    message: (status: number, reason: string, url: string) =>
      `${status}, message='${reason}', url='${url}'`,
  },
  answer: {
    code: "container_upstream_answer",
    status: 502,
    message: (url: string, problem: string) => `The answer of ${url} cannot be used: ${problem}.`,
  },
  tooLarge: {
    code: "container_upstream_size",
    status: 502,
    message: (url: string, most: number) => `The answer of ${url} has more than ${most} bytes.`,
  },
  digest: {
    code: "container_upstream_digest",
    status: 502,
    message: (url: string, expected: string, actual: string) =>
      `The manifest ${url} should have the digest ${expected}, but has ${actual}.`,
  },
});

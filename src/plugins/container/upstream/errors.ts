import { CodedError, defineErrors } from "#base/errors.ts";

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
  gone: {
    code: "container_upstream_gone",
    status: 502,
    message: (reference: string) => `The upstream has no manifest ${reference}.`,
  },
  unsigned: {
    code: "container_upstream_unsigned",
    status: 502,
    message: (digest: string) => `The image ${digest} is not signed.`,
  },
  unreadable: {
    code: "container_upstream_unreadable",
    status: 502,
    message: (reference: string, problem: string) =>
      `None of the images could be read, '${reference}' among them: ${problem}`,
  },
  digest: {
    code: "container_upstream_digest",
    status: 502,
    message: (url: string, expected: string, actual: string) =>
      `The manifest ${url} should have the digest ${expected}, but has ${actual}.`,
  },
});

/** Passes on what the upstream is to blame for; anything else is a mistake of ours. */
export function aboutUpstream(error: unknown): CodedError {
  if (isUpstreamError(error)) return error;
  throw error;
}

/** Whether it says something about an upstream. */
export const isUpstreamError = (error: unknown): error is CodedError =>
  error instanceof CodedError && isUpstreamCode(error.code);

/** HTTP status of an answer that was not the one asked for. */
export const upstreamStatus = (error: unknown): number | undefined =>
  upstreamErrors.status.is(error) ? Number.parseInt(error.message, 10) : undefined;

const isUpstreamCode = (code: string): boolean =>
  /^PLP\d{4}$/.test(code) || code.startsWith("container_upstream_");

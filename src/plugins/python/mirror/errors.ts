import { defineErrors } from "#base/errors.ts";

/** Why an upstream index cannot be mirrored (plugin-python §9). */
export const mirrorErrors = defineErrors({
  noUrl: {
    code: "python_remote_url",
    status: 400,
    message: () => "A remote must have a url attribute to sync.",
  },
  scheme: {
    code: "python_remote_scheme",
    status: 400,
    message: () => "Only HTTP(S) is supported for python syncing",
  },
  rule: {
    code: "python_remote_rule",
    status: 400,
    message: (line: string) => `'${line}' of the includes or excludes is no requirement.`,
  },
  status: {
    code: "python_upstream_status",
    status: 502,
    message: (status: number, reason: string, url: string) =>
      `${status}, message='${reason}', url='${url}'`,
  },
  page: {
    code: "python_upstream_page",
    status: 502,
    message: (url: string, problem: string) => `The page ${url} cannot be read: ${problem}.`,
  },
  unreadable: {
    code: "python_upstream_unreadable",
    status: 502,
    message: (name: string, problem: string) =>
      `None of the projects could be read, '${name}' among them: ${problem}`,
  },
});

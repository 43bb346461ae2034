import { defineErrors } from "#base/errors.ts";

/** What ends a tool of operators: one sentence that says what to do. */
export const operatorErrors = defineErrors({
  profile: {
    code: "profile-unusable",
    status: 500,
    message: (file: string, reason: string) => `The profile in ${file} cannot be used: ${reason}.`,
  },
  file: {
    code: "file-unusable",
    status: 500,
    message: (file: string, reason: string) => `The file ${file} cannot be used: ${reason}.`,
  },
  unreachable: {
    code: "server-unreachable",
    status: 502,
    message: (url: string, reason: string) => `${url} cannot be reached: ${reason}.`,
  },
  answer: {
    code: "server-refused",
    status: 502,
    message: (request: string, status: number, said: string) =>
      `${request} answered ${status}: ${said}`,
  },
  nonsense: {
    code: "server-answer-malformed",
    status: 502,
    message: (url: string, reason: string) => `The answer of ${url} is not understood: ${reason}.`,
  },
  foreignPage: {
    code: "page-of-another-host",
    status: 502,
    message: (link: string, host: string) =>
      `The next page is said to be ${link}, which is not on ${host}; it was not asked for, since it would get the credentials.`,
  },
  token: {
    code: "oauth2-token-refused",
    status: 502,
    message: (url: string, reason: string) => `No token from ${url}: ${reason}.`,
  },
  task: {
    code: "task-unsuccessful",
    status: 502,
    message: (name: string, href: string, said: string) => `The task ${name} (${href}) ${said}.`,
  },
  logs: {
    code: "log-query-failed",
    status: 502,
    message: (group: string, reason: string) => `The log group ${group} was not read: ${reason}.`,
  },
  upload: {
    code: "parquet-upload-failed",
    status: 502,
    message: (target: string, reason: string) => `${target} was not written: ${reason}.`,
  },
});

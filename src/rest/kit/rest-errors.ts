import { defineErrors } from "#base/errors.ts";

/** Answers of the API as such (core-rest §2.2); bodies are `{"detail": text}`. */
export const restErrors = defineErrors({
  notFound: { code: "not-found", status: 404, message: () => "Not found." },
  noMatch: {
    code: "no-match",
    status: 404,
    message: (model: string) => `No ${model} matches the given query.`,
  },
  noRoute: {
    code: "no-route",
    status: 404,
    message: (path: string) => `There is nothing at ${path}; the API index lists what there is.`,
  },
  noPlace: { code: "no-place", status: 404, message: (text: string) => text },
  guard: { code: "guard", status: 403, message: (reason: string) => reason },
  badVersion: { code: "bad-version", status: 404, message: () => "Invalid version in URL path." },
  method: {
    code: "method",
    status: 405,
    message: (name: string) => `Method "${name}" not allowed.`,
  },
  notAcceptable: {
    code: "not-acceptable",
    status: 406,
    message: () => "Could not satisfy the request Accept header.",
  },
  mediaType: {
    code: "media-type",
    status: 415,
    message: (type: string) => `Unsupported media type "${type}" in request.`,
  },
  json: { code: "json", status: 400, message: (why: string) => `JSON parse error - ${why}` },
  form: { code: "form", status: 400, message: (why: string) => `Form parse error - ${why}` },
  bodySize: {
    code: "body-size",
    status: 413,
    message: (limit: number) => `The request body is larger than ${limit} bytes.`,
  },
  fieldCount: {
    code: "field-count",
    status: 400,
    message: (limit: number) => `The body has more than ${limit} fields.`,
  },
  host: { code: "host", status: 400, message: () => "Invalid Host header." },
  credentials: {
    code: "credentials",
    status: 401,
    message: () => "Authentication credentials were not provided.",
  },
  password: { code: "password", status: 401, message: () => "Invalid username/password." },
  inactive: { code: "inactive", status: 401, message: () => "User inactive or deleted." },
  basicHeader: {
    code: "basic-header",
    status: 401,
    message: (why: string) => `Invalid basic header. ${why}`,
  },
  token: { code: "token", status: 401, message: (why: string) => `Invalid token. ${why}` },
  flood: {
    code: "flood",
    status: 429,
    message: (seconds: number) => `Too many failed logins. Try again in ${seconds} seconds.`,
  },
  permission: {
    code: "permission",
    status: 403,
    message: () => "You do not have permission to perform this action.",
  },
  scope: {
    code: "scope",
    status: 403,
    message: () => "The API token that was used does not reach so far; its scope says what it may.",
  },
  database: {
    code: "database",
    status: 503,
    message: () => "The database does not answer. Try again in a moment.",
  },
  unaudited: {
    code: "unaudited",
    status: 503,
    message: () =>
      "The request was carried out, but could not be recorded in the audit trail. Look at the object before you try again.",
  },
  internal: {
    code: "internal",
    status: 500,
    message: () => "An internal error occurred; the server's log has it under the correlation id.",
  },
  component: { code: "component", status: 400, message: () => "Invalid component specified." },
  pluginParameter: {
    code: "plugin-parameter",
    status: 400,
    message: () => "'plugin' has been removed. Use 'component' instead.",
  },
});

import { CodedError, ValidationError } from "#base/errors.ts";
import { taskErrors } from "./errors.ts";
import type { TaskError } from "./table.ts";

/**
 * What a task says about the exception that ended it (core-tasks-ops §10). Host paths, credentials
 * and the queries of addresses, which may be signatures, are left out.
 *
 * @param redact shows only errors whose texts are ours; the rest is in the log.
 */
export function describeFailure(error: unknown, redact: boolean): TaskError {
  if (error instanceof ValidationError) return coded(clean(error.message), error);
  if (error instanceof CodedError) return coded(clean(error.message), error);
  if (redact) return internal;
  return coded(withoutQueries(clean(errorText(error))), error);
}

const internal: TaskError = {
  description: taskErrors.internal().message,
  traceback: "",
  error_code: taskErrors.internal.spec.code,
};

function coded(description: string, error: unknown): TaskError {
  const code =
    error instanceof CodedError && /^[A-Z]{3}\d{4}$/.test(error.code) ? error.code : null;
  const traceback = error instanceof Error ? frames(error) : "";
  return { description, traceback, ...(code ? { error_code: code } : {}) };
}

export const errorName = (error: unknown): string =>
  error instanceof Error ? error.name : typeof error;

export const errorText = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Frames without the message, since that is the description; paths begin at our own folders. */
const frames = (error: Error): string =>
  clean(
    (error.stack ?? "")
      .split("\n")
      .filter((line) => /^\s+at /.test(line))
      .map((line) =>
        line.replace(/(?<=[\s(])(?:file:\/\/)?(\/[^\s():]+)/, (_, path) => inside(path)),
      )
      .join("\n"),
  );

function inside(path: string): string {
  const start = path.search(/\/(?:src|node_modules|test)\//);
  return path.slice(start === -1 ? path.lastIndexOf("/") + 1 : start + 1);
}

/** Text that JSON columns take, without the user part of addresses. */
export const clean = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll("\0", "\uFFFD")
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]*@/gi, "$1");

const withoutQueries = (text: string): string =>
  text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/[^\s?"'<>]*)\?[^\s"'<>]*/gi, "$1");

import { defineErrors } from "#base/errors.ts";

/** Errors of sealed fields and of the key file (core-tasks-ops §§16.1, 21.1). */
export const secretErrors = defineErrors({
  unreadable: {
    code: "secret_unreadable",
    status: 500,
    message: () => "A stored secret cannot be read: no key of DB_ENCRYPTION_KEY opens it.",
  },
  keyFile: {
    code: "key_file",
    status: 500,
    message: (file: string, reason: string) =>
      `Could not load DB_ENCRYPTION_KEY file '${file}': ${reason}`,
  },
});

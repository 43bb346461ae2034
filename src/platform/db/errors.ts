import { defineErrors } from "#base/errors.ts";

/** Codes and texts are a contract: never renumbered, never reused, changed only with a note. */
export const databaseErrors = defineErrors({
  initialise: {
    code: "database-initialise",
    status: 500,
    message: (output: string) => `The embedded database could not be created: ${output}`,
  },
  ended: {
    code: "database-ended",
    status: 500,
    message: (log: string) => `The embedded database ended while it started; ${log} says why.`,
  },
  slow: {
    code: "database-slow",
    status: 500,
    message: (log: string) => `The embedded database did not answer within a minute; see ${log}.`,
  },
  orphan: {
    code: "database-orphan",
    status: 500,
    message: (pid: number) => `An earlier embedded database (process ${pid}) does not stop.`,
  },
  identity: {
    code: "database-identity",
    status: 500,
    message: (folder: string) =>
      `The embedded database cannot run as root, and no other user can enter ${folder}. Start as another user, or set DECKLE_HOME to a folder below one that others may enter.`,
  },
});

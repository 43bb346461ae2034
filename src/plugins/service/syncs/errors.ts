import { defineErrors } from "#base/errors.ts";

/** Why a sync that is scheduled does not begin. */
export const syncErrors = defineErrors({
  noRemote: {
    code: "scheduled-sync-remote",
    status: 404,
    message: (remote: string, domain: string) =>
      `There is no remote '${remote}' in the domain '${domain}'.`,
  },
  noType: {
    code: "scheduled-sync-type",
    status: 404,
    message: (type: string) => `Repositories of the type '${type}' cannot be synced here.`,
  },
});

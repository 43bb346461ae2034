import { crudPolicy, may, STANDARD_ROLES } from "#sdk";
import type { Area } from "../area.ts";
import { serviceAccounts } from "./accounts.ts";

const CHANGE = may.anyLevel("service.change_rhserviceaccount");

/** Accounts of programs (service §9.1). */
export const accounts: Area = {
  resources: [serviceAccounts],
  access: {
    policies: [
      crudPolicy("rh_service_account", "service.rhserviceaccount", {
        rules: { enable: [CHANGE], disable: [CHANGE] },
      }),
    ],
    models: [{ model: "service.rhserviceaccount", roles: STANDARD_ROLES }],
  },
};

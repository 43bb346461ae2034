import { crudPolicy, STANDARD_ROLES } from "#sdk";
import type { Area } from "../area.ts";
import { FEATURE_GUARD, featureGuard, featureGuardResource } from "./guard.ts";

/** Content guards that ask for features of organisations (service §8.1). */
export const features: Area = {
  entities: [FEATURE_GUARD],
  resources: [featureGuardResource],
  guards: [featureGuard],
  access: {
    policies: [
      crudPolicy("contentguards/service/feature", "service.featurecontentguard", {
        without: ["set_label", "unset_label"],
      }),
    ],
    models: [{ model: "service.featurecontentguard", roles: STANDARD_ROLES }],
  },
};

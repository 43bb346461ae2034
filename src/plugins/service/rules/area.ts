import { crudPolicy, may, STANDARD_ROLES } from "#sdk";
import { onNamed } from "../access/on-named.ts";
import type { Area } from "../area.ts";
import { rulesBeforeGuards } from "./prelude.ts";
import { guardRuleResource } from "./rules.ts";
import { ruleSchemas } from "./schemas.ts";

const CHANGE = [
  may.anyLevel("service.change_rhcertguardpermission"),
  "has_ruled_guard_perms:change",
];

/** Rules before content guards (service §9.2). */
export const rules: Area = {
  resources: [guardRuleResource],
  schemas: ruleSchemas,
  beforeGuards: [rulesBeforeGuards],
  access: {
    policies: [
      crudPolicy("rh_cert_guard_permission", "service.rhcertguardpermission", {
        rules: {
          create: [
            may.modelOrDomain("service.add_rhcertguardpermission"),
            "has_ruled_guard_perms:change",
          ],
          update: CHANGE,
          partial_update: CHANGE,
          check: [may.anyLevel("service.view_rhcertguardpermission")],
        },
      }),
    ],
    models: [{ model: "service.rhcertguardpermission", roles: STANDARD_ROLES }],
    // A rule lets in whom the guard would not, so it is for those who could change the guard.
    checks: { has_ruled_guard_perms: onNamed("content_guard") },
  },
};

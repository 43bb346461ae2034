import { type AccessRules, crudPolicy, plainPolicy, STANDARD_ROLES } from "#sdk";

/** Who may do what where roles decide (service §5.4). */
export const serviceAccess: AccessRules = {
  policies: [
    crudPolicy("contentguards/service/feature", "service.featurecontentguard", {
      without: ["set_label", "unset_label"],
    }),
    {
      ...plainPolicy("domains/create", { post: [] }),
      creation_hooks: [
        { function: "add_roles_for_object_creator", parameters: { roles: ["core.domain_owner"] } },
      ],
    },
    // Whose domain it is, the request itself asks: the body names it.
    plainPolicy("domains/migrate", { post: [] }),
  ],
  models: [
    { model: "service.domainorg", isPlain: true },
    { model: "service.featurecontentguard", roles: STANDARD_ROLES },
  ],
  adminOnly: [
    "domain_orgs",
    "/api/pulp/debug/task-debug/",
    "/api/pulp/debug/task-queue/",
    "/api/pulp/debug/database-triggers/",
  ],
};

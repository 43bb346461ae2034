import { type AccessRules, plainPolicy } from "#sdk";

/** Who may do what where roles decide (service §5.4). */
export const serviceAccess: AccessRules = {
  policies: [
    {
      ...plainPolicy("domains/create", { post: [] }),
      creation_hooks: [
        { function: "add_roles_for_object_creator", parameters: { roles: ["core.domain_owner"] } },
      ],
    },
    // Whose domain it is, the request itself asks: the body names it.
    plainPolicy("domains/migrate", { post: [] }),
  ],
  models: [{ model: "service.domainorg", isPlain: true }],
  adminOnly: [
    "domain_orgs",
    "/api/pulp/debug/task-debug",
    "/api/pulp/debug/task-queue",
    "/api/pulp/debug/database-triggers",
  ],
};

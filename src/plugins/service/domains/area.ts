import { plainPolicy } from "#sdk";
import type { Area } from "../area.ts";
import { createDomain } from "./create-domain.ts";
import { domainOrgs } from "./domain-orgs.ts";
import { migrateDomain } from "./migrate-domain.ts";

/** A domain of one's own, and the rows that give domains (service §§5.1, 6). */
export const domains: Area = {
  resources: [domainOrgs],
  endpoints: [createDomain, migrateDomain],
  access: {
    policies: [
      {
        ...plainPolicy("domains/create", { post: [] }),
        creation_hooks: [
          {
            function: "add_roles_for_object_creator",
            parameters: { roles: ["core.domain_owner"] },
          },
        ],
      },
      // Whose domain it is, the request itself asks: the body names it.
      plainPolicy("domains/migrate", { post: [] }),
    ],
    models: [{ model: "service.domainorg", isPlain: true }],
    adminOnly: ["domain_orgs"],
  },
};

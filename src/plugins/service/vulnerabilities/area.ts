import { crudPolicy, may, STANDARD_ROLES } from "#sdk";
import { onNamed } from "../access/on-named.ts";
import type { Area } from "../area.ts";
import { vulnerabilityReports } from "./reports.ts";
import { reportLockFile, reportVersion } from "./tasks.ts";

/** Reports of what is known about packages (service §8.2). */
export const vulnerabilities: Area = {
  resources: [vulnerabilityReports],
  tasks: [reportVersion, reportLockFile],
  access: {
    policies: [
      crudPolicy("vuln_report_service", "service.vulnerabilityreport", {
        without: ["update", "partial_update", "set_label", "unset_label"],
        rules: {
          create: [
            may.modelOrDomain("service.add_vulnerabilityreport"),
            "has_reported_repository_perms:view",
          ],
        },
      }),
    ],
    models: [
      {
        model: "service.vulnerabilityreport",
        roles: { ...STANDARD_ROLES, owner: ["view", "delete", "manage_roles"] },
      },
    ],
    // A report names the packages of a repository, so it is for those who see the repository.
    checks: { has_reported_repository_perms: onNamed("repo_version") },
  },
};

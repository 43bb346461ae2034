import { crudPolicy, may, OWNER_VERBS, STANDARD_ROLES } from "#sdk";
import { onNamed } from "../access/on-named.ts";
import type { Area } from "../area.ts";
import { pushGate } from "./gate.ts";
import { pushRepositories } from "./rest.ts";

/** What holds for pushes to a repository (service §9.3). */
export const push: Area = {
  resources: [pushRepositories],
  pushGate,
  access: {
    policies: [
      crudPolicy("push_repository", "service.pushrepository", {
        rules: {
          create: [
            may.modelOrDomain("service.add_pushrepository"),
            "has_pushed_repository_perms:change",
          ],
          push: [may.anyLevel("service.push_pushrepository")],
        },
      }),
    ],
    models: [
      {
        model: "service.pushrepository",
        extras: ["service.push_pushrepository"],
        roles: { ...STANDARD_ROLES, owner: [...OWNER_VERBS, "push"] },
      },
    ],
    // Who may push by a record changes the repository, so it is for those who could.
    checks: { has_pushed_repository_perms: onNamed("repository") },
  },
};

import { coreModels } from "./core-models.ts";
import { crudPolicy, may, plainPolicy, SCOPED } from "./crud.ts";
import type { AccessRules, Policy } from "./types.ts";

const LABELS = ["set_label", "unset_label"] as const;
const PATCH_ONLY = ["update", ...LABELS] as const;

/** Lists over all types of a family show what each of their own lists would show. */
const generic = [
  ...["content", "repositories", "remotes", "publications", "distributions", "contentguards"],
  "repository_versions",
].map((viewset) => plainPolicy(viewset, { list: [] }, SCOPED));

const guard = (name: string, model: string): Policy =>
  crudPolicy(`contentguards/core/${name}`, `core.${model}`, { without: LABELS });

const guards: readonly Policy[] = [
  crudPolicy("contentguards/core/rbac", "core.rbaccontentguard", {
    rules: { download: [may.anyLevel("core.download_rbaccontentguard")] },
    makerRoles: ["owner", "downloader"],
    without: LABELS,
  }),
  guard("content_redirect", "contentredirectcontentguard"),
  guard("header", "headercontentguard"),
  guard("composite", "compositecontentguard"),
];

/** The store's own files: administrators look and add, nobody deletes. */
const artifacts: Policy = {
  viewset: "artifacts",
  statements: [
    { action: ["create", "list", "retrieve"], principal: "admin", effect: "allow" },
    { action: ["destroy"], principal: "*", effect: "deny" },
  ],
  creation_hooks: [],
  queryset_scoping: null,
};

const tasks: readonly Policy[] = [
  crudPolicy("tasks", "core.task", {
    rules: {
      profile_artifacts: [may.anyLevel("core.view_task_profile_artifacts")],
      purge: [],
    },
    without: ["create", ...PATCH_ONLY],
  }),
  // Cancelling asks for the right to change each of the tasks.
  plainPolicy("task-groups", { list: [], retrieve: [], partial_update: [] }, SCOPED),
  crudPolicy("task-schedules", "core.taskschedule", {
    makerRoles: [],
    without: ["create", "partial_update", "destroy", ...PATCH_ONLY],
  }),
];

const change = [may.modelOrObject("core.change_domain")];

const domains: Policy = crudPolicy("domains", "core.domain", {
  isGlobal: true,
  rules: { migrate: change },
  without: ["my_permissions", "list_roles", "add_role", "remove_role"],
});

const ofGroup = (permission: string) => [`has_group_model_or_obj_perms:${permission}`];

const groups: readonly Policy[] = [
  crudPolicy("groups", "core.group", { isGlobal: true, without: LABELS }),
  plainPolicy("groups/users", {
    list: ofGroup("core.view_group"),
    create: ofGroup("core.change_group"),
    destroy: ofGroup("core.change_group"),
  }),
];

const uploads: Policy = crudPolicy("uploads", "core.upload", {
  rules: { commit: [may.anyLevel("core.change_upload")] },
  without: LABELS,
});

/** Policies of the core (core-rest §7.3). */
export const coreRules: AccessRules = {
  policies: [
    ...generic,
    ...guards,
    artifacts,
    ...tasks,
    domains,
    ...groups,
    uploads,
    plainPolicy("login", { "*": [] }),
    // Everybody sees and ends their own.
    plainPolicy("tokens", { list: [], retrieve: [], create: [], revoke: [], destroy: [] }, SCOPED),
  ],
  models: coreModels,
  adminOnly: [
    ...["access_policies", "audit", "users", "users/roles", "groups/roles", "roles", "workers"],
    ...[
      "orphans",
      "orphans/cleanup",
      "repair",
      "permissions/explain",
      "repositories/reclaim_space",
      "distributions/core/artifacts",
      "signing-services",
      "vuln_report",
    ],
  ],
};

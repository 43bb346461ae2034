/**
 * Who may do what, copied by hand from the table of core-rest §7.3 and never from the program: this
 * is what the program is measured against.
 */

/**
 * Conditions that must all hold, in order: levels at which the permission counts (M model, D domain,
 * O object), and the permission, of the viewset's own model if it is only a verb. In front may stand
 * what the object is, if it is not the addressed one: `parent`, the repository of the `body`, the
 * `domain` of the URL, or the `tasks` of a group.
 */
export type Conditions = readonly string[];

/** Strangers too; every user; administrators only; nobody at all; or who meets conditions. */
export type Rule = "public" | "auth" | "admin" | "nobody" | Conditions;

export interface Viewset {
  /** Component and model of its permissions. */
  readonly model?: string;
  /** Which objects show, in lists and anywhere else: a condition, one's own, or all. */
  readonly sees: string | "own" | "all";
  /** By name of the operation, as in the sections. */
  readonly rules: Readonly<Record<string, Rule>>;
}

const roles = (level: string): Readonly<Record<string, Rule>> => ({
  list_roles: [`${level}:manage_roles`],
  add_role: [`${level}:manage_roles`],
  remove_role: [`${level}:manage_roles`],
});

/** "rules beyond the standard" are beyond these. */
const STANDARD: Readonly<Record<string, Rule>> = {
  list: "auth",
  create: ["MD:add"],
  retrieve: ["MDO:view"],
  my_permissions: ["MDO:view"],
  update: ["MDO:change"],
  partial_update: ["MDO:change"],
  destroy: ["MDO:delete"],
  ...roles("MDO"),
};

const standard = (model: string, rules: Readonly<Record<string, Rule>> = {}): Viewset => ({
  model,
  sees: "MDO:view",
  rules: { ...STANDARD, ...rules },
});

const labels = (...conditions: Conditions): Readonly<Record<string, Rule>> => ({
  set_label: conditions,
  unset_label: conditions,
});

const admin = (...operations: readonly string[]): Viewset => ({
  sees: "all",
  rules: Object.fromEntries(operations.map((operation) => [operation, "admin"])),
});

const CRUD = ["list", "create", "retrieve", "update", "partial_update", "destroy"] as const;

/** A list over several types shows what each of their own lists would. */
const generic: Viewset = { sees: "all", rules: { list: "auth" } };

const { create: _, update: _2, partial_update: _3, destroy: _4, ...readOnly } = STANDARD;
const { partial_update: _5, ...uploads } = STANDARD;
const { update: _6, partial_update: _7, ...publications } = STANDARD;

/** By name of the policy, which is the path without ids. */
export const VIEWSETS: Readonly<Record<string, Viewset>> = {
  content: generic,
  repositories: generic,
  remotes: generic,
  publications: generic,
  distributions: generic,
  contentguards: generic,
  repository_versions: generic,
  artifacts: {
    sees: "all",
    rules: { create: "admin", list: "admin", retrieve: "admin", destroy: "nobody" },
  },
  "contentguards/core/rbac": standard("core.rbaccontentguard"),
  "contentguards/core/content_redirect": standard("core.contentredirectcontentguard"),
  "contentguards/core/header": standard("core.headercontentguard"),
  "contentguards/core/composite": standard("core.compositecontentguard"),
  uploads: {
    model: "core.upload",
    sees: "MDO:view",
    rules: { ...uploads, commit: ["MDO:change"] },
  },
  tasks: {
    model: "core.task",
    sees: "MDO:view",
    rules: {
      ...readOnly,
      profile_artifacts: ["MDO:core.view_task_profile_artifacts"],
      destroy: ["MDO:delete"],
      partial_update: ["MDO:change"],
      purge: "auth",
    },
  },
  "task-groups": {
    model: "core.task",
    sees: "MDO:view",
    rules: { list: "auth", retrieve: "auth", partial_update: ["tasks MDO:change"] },
  },
  "task-schedules": { model: "core.taskschedule", sees: "MDO:view", rules: readOnly },
  groups: {
    model: "core.group",
    sees: "MO:view",
    rules: {
      list: "auth",
      create: ["M:add"],
      retrieve: ["MO:view"],
      my_permissions: ["MO:view"],
      update: ["MO:change"],
      partial_update: ["MO:change"],
      destroy: ["MO:delete"],
      ...roles("MO"),
    },
  },
  "groups/users": {
    model: "core.group",
    sees: "MO:view",
    rules: {
      list: ["parent MO:view"],
      create: ["parent MO:change"],
      destroy: ["parent MO:change"],
    },
  },
  domains: {
    model: "core.domain",
    sees: "MO:view",
    rules: {
      list: "auth",
      create: ["M:add"],
      retrieve: ["MO:view"],
      update: ["MO:change"],
      partial_update: ["MO:change"],
      destroy: ["MO:delete"],
      migrate: ["domain MO:change"],
      ...labels("MO:change"),
    },
  },
  "repositories/file/file": standard("file.filerepository", {
    my_permissions: "auth",
    destroy: ["MDO:delete", "MDO:view"],
    update: ["MDO:change", "MDO:view"],
    partial_update: ["MDO:change", "MDO:view"],
    ...labels("MDO:change", "MDO:view"),
    sync: ["MDO:sync", "MDO:view"],
    modify: ["MDO:modify", "MDO:view"],
  }),
  "repositories/file/file/versions": {
    model: "file.filerepository",
    sees: "MDO:view",
    rules: {
      list: ["parent MDO:view"],
      retrieve: ["parent MDO:view"],
      destroy: ["parent MDO:delete", "parent MDO:view"],
      repair: ["parent MDO:repair", "parent MDO:view"],
    },
  },
  "remotes/file/file": standard("file.fileremote", {
    my_permissions: "auth",
    update: ["MDO:change", "MDO:view"],
    partial_update: ["MDO:change", "MDO:view"],
    destroy: ["MDO:delete", "MDO:view"],
    ...labels("MDO:change", "MDO:view"),
  }),
  "publications/file/file": {
    model: "file.filepublication",
    sees: "MDO:view",
    rules: { ...publications, destroy: ["MDO:delete", "MDO:view"] },
  },
  "distributions/file/file": standard("file.filedistribution", {
    update: ["MDO:change", "MDO:view"],
    partial_update: ["MDO:change", "MDO:view"],
    destroy: ["MDO:delete", "MDO:view"],
    ...labels("MDO:change", "MDO:view"),
  }),
  "acs/file/file": standard("file.filealternatecontentsource", {
    update: ["MDO:change", "MDO:view"],
    partial_update: ["MDO:change", "MDO:view"],
    refresh: ["MDO:refresh", "MDO:view"],
  }),
  "content/file/files": {
    model: "file.filerepository",
    sees: "MDO:view",
    rules: {
      list: "auth",
      retrieve: "auth",
      create: ["body MDO:modify", "body MDO:view"],
      ...labels("MD:core.manage_content_labels"),
      upload: ["MD:file.upload_files"],
    },
  },
  "repositories/python/python": standard("python.pythonrepository", {
    my_permissions: "auth",
    destroy: ["MDO:delete", "MDO:view"],
    update: ["MDO:change", "MDO:view"],
    partial_update: ["MDO:change", "MDO:view"],
    ...labels("MDO:change", "MDO:view"),
    sync: ["MDO:sync", "MDO:view"],
    modify: ["MDO:modify", "MDO:view"],
    repair_metadata: ["MDO:modify", "MDO:view"],
  }),
  "repositories/python/python/versions": {
    model: "python.pythonrepository",
    sees: "MDO:view",
    rules: {
      list: ["parent MDO:view"],
      retrieve: ["parent MDO:view"],
      scan: ["parent MDO:view"],
      destroy: ["parent MDO:delete", "parent MDO:view"],
      repair: ["parent MDO:repair", "parent MDO:view"],
    },
  },
  "repositories/python/python/blocklist_entries": {
    model: "python.pythonrepository",
    sees: "MDO:view",
    rules: {
      list: ["parent MDO:view"],
      retrieve: ["parent MDO:view"],
      create: ["parent MDO:modify", "parent MDO:view"],
      destroy: ["parent MDO:modify", "parent MDO:view"],
    },
  },
  "repositories/python/python/trusted_publishers": {
    model: "python.pythonrepository",
    sees: "MDO:view",
    rules: {
      list: ["parent MDO:view"],
      retrieve: ["parent MDO:view"],
      create: ["parent MDO:modify", "parent MDO:view"],
      destroy: ["parent MDO:modify", "parent MDO:view"],
    },
  },
  "distributions/python/pypi/downloads": {
    model: "python.pythondistribution",
    sees: "MDO:view",
    rules: { list: ["parent MDO:view"], retrieve: ["parent MDO:view"] },
  },
  "remotes/python/python": standard("python.pythonremote", {
    my_permissions: "auth",
    from_bandersnatch: ["MD:add"],
    update: ["MDO:change", "MDO:view"],
    partial_update: ["MDO:change", "MDO:view"],
    destroy: ["MDO:delete", "MDO:view"],
    ...labels("MDO:change", "MDO:view"),
  }),
  "publications/python/pypi": {
    model: "python.pythonpublication",
    sees: "MDO:view",
    rules: { ...publications, my_permissions: "auth", destroy: ["MDO:delete", "MDO:view"] },
  },
  "distributions/python/pypi": standard("python.pythondistribution", {
    my_permissions: "auth",
    update: ["MDO:change", "MDO:view"],
    partial_update: ["MDO:change", "MDO:view"],
    ...labels("MDO:change", "MDO:view"),
  }),
  "content/python/packages": {
    model: "python.pythonrepository",
    sees: "MDO:view",
    rules: {
      list: "auth",
      retrieve: "auth",
      create: ["body MDO:modify", "body MDO:view"],
      ...labels("MD:core.manage_content_labels"),
      upload: ["MD:python.upload_python_packages"],
    },
  },
  "content/python/provenance": {
    model: "python.pythonrepository",
    sees: "MDO:view",
    rules: {
      list: "auth",
      retrieve: "auth",
      create: ["body MDO:modify", "body MDO:view"],
      ...labels("MD:core.manage_content_labels"),
    },
  },
  "content/python/yanks": {
    model: "python.pythonrepository",
    sees: "MDO:view",
    rules: { list: "auth", retrieve: "auth" },
  },
  // Beyond the peer: everybody sees and ends their own.
  tokens: {
    sees: "own",
    rules: { list: "auth", create: "auth", retrieve: "auth", revoke: "auth", destroy: "auth" },
  },
  // No policy: administrators only.
  audit: admin("list", "retrieve", "export"),
  users: admin(...CRUD),
  roles: admin(...CRUD),
  "users/roles": admin("list", "create", "retrieve", "destroy"),
  "groups/roles": admin("list", "create", "retrieve", "destroy"),
  access_policies: admin("list", "retrieve", "update", "partial_update", "reset"),
  workers: admin("list", "retrieve"),
  "signing-services": admin("list", "retrieve"),
  vuln_report: admin("list", "retrieve", "destroy"),
  "distributions/core/artifacts": admin("list", "retrieve"),
  "contentguards/certguard/x509": admin(...CRUD),
  "contentguards/certguard/rhsm": admin(...CRUD),
};

/** Operations beside the viewsets, by operation id. */
export const OTHERS: Readonly<Record<string, Rule>> = {
  login: "auth",
  login_read: "auth",
  login_update: "auth",
  logout: "auth",
  orphans_delete: "admin",
  orphans_cleanup_cleanup: "admin",
  permissions_explain: "admin",
  repair_post: "admin",
  repositories_reclaim_space_reclaim: "admin",
  status_read: "public",
  livez_read: "public",
  readyz_read: "public",
  "docs_api.json_get": "public",
  "docs_api.yaml_get": "public",
  // Who asks shows the token of another issuer in the body.
  tokens_exchange: "public",
};

/** What owners of an object hold on it, by model: roles `<model>_owner` (§7.3). */
export const OWNER: Readonly<Record<string, readonly string[]>> = {
  "core.rbaccontentguard": ["view", "change", "delete", "manage_roles"],
  "core.contentredirectcontentguard": ["view", "change", "delete", "manage_roles"],
  "core.headercontentguard": ["view", "change", "delete", "manage_roles"],
  "core.compositecontentguard": ["view", "change", "delete", "manage_roles"],
  "core.upload": ["view", "change", "delete", "manage_roles"],
  "core.task": ["view", "core.view_task_profile_artifacts", "change", "delete", "manage_roles"],
  "core.taskschedule": ["view", "manage_roles"],
  "core.group": ["view", "change", "delete", "manage_roles"],
  "core.domain": ["view", "change", "delete", "manage_roles"],
  "file.filerepository": [
    ...["view", "change", "delete", "manage_roles", "sync", "modify", "repair"],
  ],
  "file.fileremote": ["view", "change", "delete", "manage_roles"],
  "file.filepublication": ["view", "delete", "manage_roles"],
  "file.filedistribution": ["view", "change", "delete", "manage_roles"],
  "file.filealternatecontentsource": ["view", "change", "delete", "manage_roles", "refresh"],
  "python.pythonrepository": [
    ...["view", "change", "delete", "manage_roles", "modify", "sync", "repair"],
  ],
  "python.pythonremote": ["view", "change", "delete", "manage_roles"],
  "python.pythondistribution": ["view", "change", "delete", "manage_roles"],
  "python.pythonpublication": ["view", "delete", "manage_roles"],
};

/** Models without a role `<model>_creator`: nobody makes their objects by request. */
export const NOT_CREATED: readonly string[] = ["core.task", "core.taskschedule"];

/** `view` of `core.task` is `core.view_task`; whole names stay. */
export const permissionOf = (model: string, verb: string): string =>
  verb.includes(".") ? verb : model.replace(".", `.${verb}_`);

/** Every permission that occurs above. */
export const everyPermission = (): readonly string[] => {
  const found = Object.values(VIEWSETS).flatMap(({ model = "", sees, rules }) =>
    [sees, ...Object.values(rules).flat()].flatMap((condition) => {
      const verb = /(?<=:).*/.exec(condition)?.[0];
      return verb === undefined ? [] : [permissionOf(model, verb)];
    }),
  );
  return [...new Set(found)].sort();
};

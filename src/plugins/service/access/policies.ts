import {
  type AccessRules,
  type CheckQuestion,
  crudPolicy,
  may,
  OWNER_VERBS,
  plainPolicy,
  STANDARD_ROLES,
} from "#sdk";

const change = may.modelOrObject("service.change_pypiyankmonitor");
const view = may.modelOrObject("service.view_pypiyankmonitor");

/** Monitors are of no domain, but who makes one says so in the domain of what it watches. */
const yankMonitors = crudPolicy("pypi_yank_monitor", "service.pypiyankmonitor", {
  isGlobal: true,
  without: ["update"],
  rules: {
    create: [
      may.modelOrDomain("service.add_pypiyankmonitor"),
      "has_repo_or_repo_ver_param_model_or_domain_or_obj_perms:python.view_pythonrepository",
    ],
    check: [change],
    report: [view],
  },
});

/** What is counted and never made by requests. */
const WRITES = [
  ...["create", "update", "partial_update", "destroy", "set_label", "unset_label"],
  ...["my_permissions", "list_roles", "add_role", "remove_role"],
];

/** Roles on a whole domain, made of what every component has (service §5.4). */
export const DOMAIN_ADMIN = "service.domain_admin";
const DOMAIN_VIEWER = "service.domain_viewer";

const isView = (permission: string): boolean =>
  permission.split(".")[1]?.startsWith("view") === true;

const scans = plainPolicy(
  "malware_scan",
  {
    list: [],
    retrieve: [may.modelOrDomain("service.view_malwarescan")],
    create: [may.modelOrDomain("service.add_malwarescan")],
  },
  { function: "scope_queryset" },
);

/** Only administrators say that something is harmless after all, or remove it. */
const malwarePolicy: AccessRules["policies"][number] = {
  ...scans,
  statements: [
    ...scans.statements,
    { action: ["release", "purge"], principal: "admin", effect: "allow" },
  ],
};

/** Who may do what where roles decide (service §5.4). */
const vulnerabilityReports = crudPolicy("vuln_report_service", "service.vulnerabilityreport", {
  without: ["update", "partial_update", "set_label", "unset_label"],
  rules: {
    create: [
      may.modelOrDomain("service.add_vulnerabilityreport"),
      "has_reported_repository_perms:view",
    ],
  },
});

const accounts = crudPolicy("rh_service_account", "service.rhserviceaccount", {
  rules: {
    enable: [may.anyLevel("service.change_rhserviceaccount")],
    disable: [may.anyLevel("service.change_rhserviceaccount")],
  },
});

const guardRules = crudPolicy("rh_cert_guard_permission", "service.rhcertguardpermission", {
  rules: {
    create: [
      may.modelOrDomain("service.add_rhcertguardpermission"),
      "has_ruled_guard_perms:change",
    ],
    update: [may.anyLevel("service.change_rhcertguardpermission"), "has_ruled_guard_perms:change"],
    partial_update: [
      may.anyLevel("service.change_rhcertguardpermission"),
      "has_ruled_guard_perms:change",
    ],
    check: [may.anyLevel("service.view_rhcertguardpermission")],
  },
});

/** Whether somebody holds a permission on what the body names; nothing named is nothing to forbid. */
const onNamed =
  (parameter: string) =>
  async ({ rights, facts }: CheckQuestion, verb: string): Promise<boolean> => {
    const object = await facts.parameter(parameter);
    if (!object) return true;
    const permission = object.model.replace(".", `.${verb}_`);
    if (rights.onModel(permission) || rights.onDomain(permission)) return true;
    return rights.onObject([permission], object);
  };

/** Who may do what where roles decide (service §5.4). */
export const serviceAccess: AccessRules = {
  policies: [
    crudPolicy("contentguards/service/feature", "service.featurecontentguard", {
      without: ["set_label", "unset_label"],
    }),
    yankMonitors,
    vulnerabilityReports,
    accounts,
    crudPolicy("rpm_package_download", "service.rpmpackagedownload", {
      without: WRITES,
      makerRoles: [],
    }),
    crudPolicy("push_repository", "service.pushrepository", {
      rules: {
        create: [
          may.modelOrDomain("service.add_pushrepository"),
          "has_pushed_repository_perms:change",
        ],
        push: [may.anyLevel("service.push_pushrepository")],
      },
    }),
    plainPolicy("business_metrics", {
      get: [may.modelOrDomain("service.view_rpmpackagedownload")],
    }),
    malwarePolicy,
    guardRules,
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
    { model: "service.malwarescan", isPlain: true },
    { model: "service.featurecontentguard", roles: STANDARD_ROLES },
    { model: "service.pypiyankmonitor", isGlobal: true, roles: STANDARD_ROLES },
    { model: "service.rhserviceaccount", roles: STANDARD_ROLES },
    { model: "service.rhcertguardpermission", roles: STANDARD_ROLES },
    {
      model: "service.vulnerabilityreport",
      roles: { ...STANDARD_ROLES, owner: ["view", "delete", "manage_roles"] },
    },
    {
      model: "service.pushrepository",
      extras: ["service.push_pushrepository"],
      roles: { ...STANDARD_ROLES, owner: [...OWNER_VERBS, "push"] },
    },
    { model: "service.rpmpackagedownload", roles: { viewer: ["view"] } },
  ],
  checks: {
    // A report names the packages of a repository, so it is for those who see the repository.
    has_reported_repository_perms: onNamed("repo_version"),
    // Who may push by a record changes the repository, so it is for those who could.
    has_pushed_repository_perms: onNamed("repository"),
    // A rule lets in whom the guard would not, so it is for those who could change the guard.
    has_ruled_guard_perms: onNamed("content_guard"),
  },
  gatheredRoles: { [DOMAIN_ADMIN]: () => true, [DOMAIN_VIEWER]: isView },
  adminOnly: ["domain_orgs"],
};

import {
  type AccessModel,
  type AccessRules,
  crudPolicy,
  may,
  OWNER_VERBS,
  plainPolicy,
  STANDARD_ROLES,
} from "#sdk";
import { indexConditions, indexPolicies } from "./index/policies.ts";

const REPOSITORY = "python.pythonrepository";

const may_ = may.anyLevel;
const viewRepository = may_("python.view_pythonrepository");
const modifyRepository = [may_("python.modify_pythonrepository"), viewRepository];
const viewRemote = may_("python.view_pythonremote");
const viewDistribution = may_("python.view_pythondistribution");

const remoteParameter = "has_remote_param_model_or_domain_or_obj_perms:python.view_pythonremote";
const repositoryParameter =
  "has_repo_or_repo_ver_param_model_or_domain_or_obj_perms:python.view_pythonrepository";
const publicationParameter =
  "has_publication_param_model_or_domain_or_obj_perms:python.view_pythonpublication";

const repositoryChange = [may_("python.change_pythonrepository"), viewRepository, remoteParameter];

const repository = crudPolicy("repositories/python/python", REPOSITORY, {
  rules: {
    my_permissions: [],
    create: [may.modelOrDomain("python.add_pythonrepository"), remoteParameter],
    destroy: [may_("python.delete_pythonrepository"), viewRepository],
    update: repositoryChange,
    partial_update: repositoryChange,
    set_label: repositoryChange,
    unset_label: repositoryChange,
    sync: [may_("python.sync_pythonrepository"), remoteParameter, viewRepository],
    modify: modifyRepository,
    repair_metadata: modifyRepository,
  },
});

const ofRepository = (verb: string) =>
  `has_repository_model_or_domain_or_obj_perms:python.${verb}_pythonrepository`;

const versions = plainPolicy("repositories/python/python/versions", {
  list: [ofRepository("view")],
  retrieve: [ofRepository("view")],
  scan: [ofRepository("view")],
  destroy: [ofRepository("delete"), ofRepository("view")],
  repair: [ofRepository("repair"), ofRepository("view")],
});

const blocklist = plainPolicy("repositories/python/python/blocklist_entries", {
  list: [ofRepository("view")],
  retrieve: [ofRepository("view")],
  create: [ofRepository("modify"), ofRepository("view")],
  destroy: [ofRepository("modify"), ofRepository("view")],
});

const publishers = plainPolicy("repositories/python/python/trusted_publishers", {
  list: [ofRepository("view")],
  retrieve: [ofRepository("view")],
  create: [ofRepository("modify"), ofRepository("view")],
  destroy: [ofRepository("modify"), ofRepository("view")],
});

const remoteChange = [may_("python.change_pythonremote"), viewRemote];

const remote = crudPolicy("remotes/python/python", "python.pythonremote", {
  rules: {
    my_permissions: [],
    from_bandersnatch: [may.modelOrDomain("python.add_pythonremote")],
    update: remoteChange,
    partial_update: remoteChange,
    set_label: remoteChange,
    unset_label: remoteChange,
    destroy: [may_("python.delete_pythonremote"), viewRemote],
  },
});

const publication = crudPolicy("publications/python/pypi", "python.pythonpublication", {
  rules: {
    my_permissions: [],
    create: [may.modelOrDomain("python.add_pythonpublication"), repositoryParameter],
    destroy: [may_("python.delete_pythonpublication"), may_("python.view_pythonpublication")],
  },
  without: ["update", "partial_update", "set_label", "unset_label"],
});

const served = [repositoryParameter, publicationParameter];
const distributionChange = [may_("python.change_pythondistribution"), viewDistribution, ...served];

const distribution = crudPolicy("distributions/python/pypi", "python.pythondistribution", {
  rules: {
    my_permissions: [],
    create: [may.modelOrDomain("python.add_pythondistribution"), ...served],
    update: distributionChange,
    partial_update: distributionChange,
    set_label: distributionChange,
    unset_label: distributionChange,
  },
});

/** The condition asks for the parent of what is nested, whatever that is. */
const ofDistribution = "has_repository_model_or_domain_or_obj_perms:python.view_pythondistribution";

const downloads = plainPolicy("distributions/python/pypi/downloads", {
  list: [ofDistribution],
  retrieve: [ofDistribution],
});

const labels = [may.modelOrDomain("core.manage_content_labels")];

const content = {
  list: [],
  retrieve: [],
  create: [
    "has_required_repo_perms_on_upload:python.modify_pythonrepository",
    "has_required_repo_perms_on_upload:python.view_pythonrepository",
    "has_upload_param_model_or_domain_or_obj_perms:core.change_upload",
  ],
  set_label: labels,
  unset_label: labels,
};

const scoped = { function: "scope_queryset" };

const contents = [
  plainPolicy(
    "content/python/packages",
    { ...content, upload: [may.modelOrDomain("python.upload_python_packages")] },
    scoped,
  ),
  plainPolicy("content/python/provenance", content, scoped),
  plainPolicy("content/python/yanks", { list: [], retrieve: [] }, scoped),
];

const extra = (model: string, ...verbs: readonly string[]) =>
  verbs.map((verb) => model.replace(".", `.${verb}_`));

const models: readonly AccessModel[] = [
  {
    model: REPOSITORY,
    extras: extra(REPOSITORY, "sync", "modify", "repair"),
    roles: { ...STANDARD_ROLES, owner: [...OWNER_VERBS, "modify", "sync", "repair"] },
  },
  { model: "python.pythonremote", roles: STANDARD_ROLES },
  { model: "python.pythondistribution", roles: STANDARD_ROLES },
  {
    model: "python.pythonpublication",
    roles: { ...STANDARD_ROLES, owner: ["view", "delete", "manage_roles"] },
  },
  {
    model: "python.pythonpackagecontent",
    isPlain: true,
    extras: ["python.upload_python_packages"],
    roles: { "python.python_package_uploader": ["python.upload_python_packages"] },
  },
  { model: "python.packageprovenance", isPlain: true },
  { model: "python.packageyank", isPlain: true },
  { model: "python.pythonblocklistentry", isPlain: true },
  { model: "python.pythontrustedpublisher", isPlain: true },
  { model: "python.pythondownload", isPlain: true },
];

/** Who may do what with Python packages (plugin-python §13). */
export const pythonRules: AccessRules = {
  policies: [
    ...[repository, versions, blocklist, publishers, remote, publication],
    ...[distribution, downloads, ...contents],
    ...indexPolicies,
  ],
  models,
  adminOnly: [],
  conditions: indexConditions,
};

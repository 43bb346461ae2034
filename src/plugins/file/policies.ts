import {
  type AccessModel,
  type AccessRules,
  crudPolicy,
  may,
  OWNER_VERBS,
  plainPolicy,
  STANDARD_ROLES,
} from "#sdk";

const REPOSITORY = "file.filerepository";

const may_ = may.anyLevel;
const viewRepository = may_("file.view_filerepository");
const viewRemote = may_("file.view_fileremote");
const viewDistribution = may_("file.view_filedistribution");
const viewAcs = may_("file.view_filealternatecontentsource");

const remoteParameter = "has_remote_param_model_or_domain_or_obj_perms:file.view_fileremote";
const anyRemoteParameter = `${remoteParameter},file.view_filegitremote`;
const repositoryParameter =
  "has_repo_or_repo_ver_param_model_or_domain_or_obj_perms:file.view_filerepository";
const publicationParameter =
  "has_publication_param_model_or_domain_or_obj_perms:file.view_filepublication";

const repositoryChange = [may_("file.change_filerepository"), viewRepository, remoteParameter];

const repository = crudPolicy("repositories/file/file", REPOSITORY, {
  rules: {
    my_permissions: [],
    create: [may.modelOrDomain("file.add_filerepository"), remoteParameter],
    destroy: [may_("file.delete_filerepository"), viewRepository],
    update: repositoryChange,
    partial_update: repositoryChange,
    set_label: repositoryChange,
    unset_label: repositoryChange,
    sync: [may_("file.sync_filerepository"), anyRemoteParameter, viewRepository],
    modify: [may_("file.modify_filerepository"), viewRepository],
  },
});

const ofRepository = (verb: string) =>
  `has_repository_model_or_domain_or_obj_perms:file.${verb}_filerepository`;

const versions = plainPolicy("repositories/file/file/versions", {
  list: [ofRepository("view")],
  retrieve: [ofRepository("view")],
  destroy: [ofRepository("delete"), ofRepository("view")],
  repair: [ofRepository("repair"), ofRepository("view")],
});

const remoteChange = [may_("file.change_fileremote"), viewRemote];

const remote = crudPolicy("remotes/file/file", "file.fileremote", {
  rules: {
    my_permissions: [],
    update: remoteChange,
    partial_update: remoteChange,
    set_label: remoteChange,
    unset_label: remoteChange,
    destroy: [may_("file.delete_fileremote"), viewRemote],
  },
});

const publication = crudPolicy("publications/file/file", "file.filepublication", {
  rules: {
    create: [may.modelOrDomain("file.add_filepublication"), repositoryParameter],
    destroy: [may_("file.delete_filepublication"), may_("file.view_filepublication")],
  },
  without: ["update", "partial_update", "set_label", "unset_label"],
});

const served = [repositoryParameter, publicationParameter];
const distributionChange = [may_("file.change_filedistribution"), viewDistribution, ...served];

const distribution = crudPolicy("distributions/file/file", "file.filedistribution", {
  rules: {
    create: [may.modelOrDomain("file.add_filedistribution"), ...served],
    update: distributionChange,
    partial_update: distributionChange,
    set_label: distributionChange,
    unset_label: distributionChange,
  },
});

const acsChange = [may_("file.change_filealternatecontentsource"), viewAcs, remoteParameter];

const acs = crudPolicy("acs/file/file", "file.filealternatecontentsource", {
  rules: {
    create: [may.modelOrDomain("file.add_filealternatecontentsource"), remoteParameter],
    update: acsChange,
    partial_update: acsChange,
    refresh: [may_("file.refresh_filealternatecontentsource"), viewAcs],
  },
  without: ["set_label", "unset_label"],
});

const labels = [may.modelOrDomain("core.manage_content_labels")];

const content = plainPolicy(
  "content/file/files",
  {
    list: [],
    retrieve: [],
    create: [
      "has_required_repo_perms_on_upload:file.modify_filerepository",
      "has_required_repo_perms_on_upload:file.view_filerepository",
      "has_upload_param_model_or_domain_or_obj_perms:core.change_upload",
    ],
    set_label: labels,
    unset_label: labels,
    upload: [may.modelOrDomain("file.upload_files")],
  },
  { function: "scope_queryset" },
);

const extra = (model: string, ...verbs: readonly string[]) =>
  verbs.map((verb) => model.replace(".", `.${verb}_`));

const models: readonly AccessModel[] = [
  {
    model: REPOSITORY,
    extras: extra(REPOSITORY, "sync", "modify", "repair"),
    roles: { ...STANDARD_ROLES, owner: [...OWNER_VERBS, "sync", "modify", "repair"] },
  },
  { model: "file.fileremote", roles: STANDARD_ROLES },
  { model: "file.filegitremote", roles: STANDARD_ROLES },
  {
    model: "file.filepublication",
    roles: { ...STANDARD_ROLES, owner: ["view", "delete", "manage_roles"] },
  },
  { model: "file.filedistribution", roles: STANDARD_ROLES },
  {
    model: "file.filealternatecontentsource",
    extras: extra("file.filealternatecontentsource", "refresh"),
    roles: { ...STANDARD_ROLES, owner: [...OWNER_VERBS, "refresh"] },
  },
  {
    model: "file.filecontent",
    isPlain: true,
    extras: ["file.upload_files"],
    roles: { "file.file_uploader": ["file.upload_files"] },
  },
];

/** Who may do what with files (core-rest §7.3). */
export const fileRules: AccessRules = {
  policies: [repository, versions, remote, publication, distribution, acs, content],
  models,
  adminOnly: [],
};

import {
  type AccessModel,
  type AccessRules,
  crudPolicy,
  may,
  OWNER_VERBS,
  plainPolicy,
  STANDARD_ROLES,
} from "#sdk";
import { containerChecks } from "./policy-checks.ts";

/** Who may do what over REST (plugin-container §9); the registry decides by the same permissions. */

const REPOSITORY = "container.containerrepository";
const PUSH_REPOSITORY = "container.containerpushrepository";
const NAMESPACE = "container.containernamespace";
const DISTRIBUTION = "container.containerdistribution";
const PULL_THROUGH = "container.containerpullthroughdistribution";

const here = (permission: string) => `has_namespace_or_obj_perms:container.${permission}`;
const ofRepository = (permission: string) =>
  `has_namespace_or_repository_perms:container.${permission}`;
const scoped = { function: "scope_queryset" };

const viewRepository = here("view_containerrepository");
const remoteParameter =
  "has_remote_param_model_or_domain_or_obj_perms:container.view_containerremote";
const sourceParameter =
  "may_see_source:container.view_containerrepository,container.view_containerpushrepository";
const modifyRepository = [here("modify_content_containerrepository"), viewRepository];
const changeRepository = [here("change_containerrepository"), viewRepository, remoteParameter];

const contentActions = (conditions: readonly string[], ...actions: readonly string[]) =>
  Object.fromEntries(actions.map((action) => [action, conditions]));

const repository = crudPolicy("repositories/container/container", REPOSITORY, {
  rules: {
    my_permissions: [],
    retrieve: [],
    create: [may.modelOrDomain("container.add_containerrepository"), remoteParameter],
    update: changeRepository,
    partial_update: changeRepository,
    set_label: [here("change_containerrepository"), viewRepository],
    unset_label: [here("change_containerrepository"), viewRepository],
    destroy: [may.anyLevel("container.delete_containerrepository"), viewRepository],
    sync: [may.anyLevel("container.sync_containerrepository"), viewRepository, remoteParameter],
    ...contentActions(
      modifyRepository,
      ...["add", "remove", "tag", "untag", "sign"],
      ...["remove_image", "remove_signatures", "retention"],
    ),
    ...contentActions([...modifyRepository, sourceParameter], "copy_tags", "copy_manifests"),
    build_image: [
      may.anyLevel("container.build_image_containerrepository"),
      viewRepository,
      "may_see_build_context:file.view_filerepository",
    ],
  },
});

const versions = plainPolicy("repositories/container/container/versions", {
  list: [ofRepository("view_containerrepository")],
  retrieve: [ofRepository("view_containerrepository")],
  destroy: [
    ofRepository("delete_containerrepository_versions"),
    ofRepository("view_containerrepository"),
  ],
  repair: [
    ofRepository("modify_content_containerrepository"),
    ofRepository("view_containerrepository"),
  ],
});

const mayPushHere =
  "has_namespace_or_distribution_perms:" +
  "container.modify_content_containerpushrepository,container.push_containerdistribution";
const changePush = [here("change_containerpushrepository")];

const pushRepository = crudPolicy("repositories/container/container-push", PUSH_REPOSITORY, {
  rules: {
    my_permissions: [],
    retrieve: [],
    update: changePush,
    partial_update: changePush,
    set_label: changePush,
    unset_label: changePush,
    ...contentActions(
      [mayPushHere],
      ...["tag", "untag", "sign", "remove_image", "remove_signatures", "retention"],
    ),
    migrate: [mayPushHere, may.modelOrDomain("container.add_containerrepository")],
  },
  without: ["create", "destroy"],
  makerRoles: [],
});

const openPushVersions = plainPolicy("repositories/container/container-push/versions", {
  list: [ofRepository("view_containerpushrepository")],
  retrieve: [ofRepository("view_containerpushrepository")],
  repair: [ofRepository("modify_content_containerpushrepository")],
});

/** Users do not delete versions of pushes: tags that clients have moved would come back. */
const pushVersions = {
  ...openPushVersions,
  statements: [
    ...openPushVersions.statements,
    { action: "destroy", principal: "admin", effect: "allow" } as const,
  ],
};

const standing = (model: string) => {
  const view = may.anyLevel(model.replace(".", ".view_"));
  const change = [may.anyLevel(model.replace(".", ".change_")), view];
  return {
    my_permissions: [],
    update: change,
    partial_update: change,
    set_label: change,
    unset_label: change,
    destroy: [may.anyLevel(model.replace(".", ".delete_")), view],
  };
};

const remote = crudPolicy("remotes/container/container", "container.containerremote", {
  rules: standing("container.containerremote"),
});

const pullThroughRemote = crudPolicy(
  "remotes/container/pull-through",
  "container.containerpullthroughremote",
  { rules: standing("container.containerpullthroughremote") },
);

const repositoryParameter =
  "has_repo_or_repo_ver_param_model_or_domain_or_obj_perms:container.view_containerrepository";
const addToNamespace = "may_add_to_namespace:container.namespace_add_containerdistribution";
const changeDistribution = [here("change_containerdistribution"), addToNamespace];

const distribution = crudPolicy("distributions/container/container", DISTRIBUTION, {
  rules: {
    my_permissions: [],
    retrieve: [],
    create: [addToNamespace, repositoryParameter],
    update: [...changeDistribution, repositoryParameter],
    partial_update: [...changeDistribution, repositoryParameter],
    set_label: [here("change_containerdistribution")],
    unset_label: [here("change_containerdistribution")],
    destroy: [here("delete_containerdistribution")],
  },
});

const pullThroughRemoteParameter =
  "has_remote_param_model_or_domain_or_obj_perms:container.view_containerpullthroughremote";
const changePullThrough = [
  may.anyLevel("container.change_containerpullthroughdistribution"),
  addToNamespace,
  pullThroughRemoteParameter,
];

const pullThrough = crudPolicy("distributions/container/pull-through", PULL_THROUGH, {
  rules: {
    my_permissions: [],
    retrieve: [],
    create: [
      may.modelOrDomain("container.add_containerpullthroughdistribution"),
      addToNamespace,
      pullThroughRemoteParameter,
    ],
    update: changePullThrough,
    partial_update: changePullThrough,
    evict: [may.anyLevel("container.change_containerpullthroughdistribution")],
  },
});

const namespace = crudPolicy("pulp_container/namespaces", NAMESPACE, {
  rules: {
    my_permissions: [],
    create: ["may_add_namespace:container.add_containernamespace"],
    destroy: [
      may.anyLevel("container.delete_containernamespace"),
      may.anyLevel("container.view_containernamespace"),
    ],
    update: [may.anyLevel("container.manage_roles_containernamespace")],
    partial_update: [may.anyLevel("container.manage_roles_containernamespace")],
    set_label: [may.anyLevel("container.manage_roles_containernamespace")],
    unset_label: [may.anyLevel("container.manage_roles_containernamespace")],
  },
});

const labels = [may.modelOrDomain("core.manage_content_labels")];

const contents = ["tags", "manifests", "blobs", "signatures"].map((name) =>
  plainPolicy(
    `content/container/${name}`,
    { list: [], retrieve: [], set_label: labels, unset_label: labels },
    scoped,
  ),
);

const NAMESPACE_VERBS = [
  ...["add", "delete", "view", "pull", "push", "change"].map(
    (verb) => `container.namespace_${verb}_containerdistribution`,
  ),
  ...["containerpushrepository", "containerrepository"].flatMap((model) =>
    ["view", "modify_content", "change"].map((verb) => `container.namespace_${verb}_${model}`),
  ),
];

const PULL = "container.pull_containerdistribution";
const PUSH = "container.push_containerdistribution";
const PULL_NEW = "container.pull_new_containerdistribution";
const VERSIONS = "container.delete_containerrepository_versions";

const models: readonly AccessModel[] = [
  {
    model: NAMESPACE,
    extras: NAMESPACE_VERBS,
    roles: {
      creator: ["add"],
      owner: ["view", "delete", "manage_roles", ...NAMESPACE_VERBS],
      collaborator: ["view", ...NAMESPACE_VERBS],
      consumer: [
        "view",
        "container.namespace_view_containerdistribution",
        "container.namespace_pull_containerdistribution",
        "container.namespace_view_containerpushrepository",
        "container.namespace_view_containerrepository",
      ],
    },
  },
  {
    model: DISTRIBUTION,
    extras: [PULL, PUSH],
    roles: {
      creator: ["add"],
      owner: ["view", "change", "delete", "manage_roles", PULL, PUSH],
      collaborator: ["view", PULL, PUSH],
      consumer: ["view", PULL],
    },
  },
  {
    model: PULL_THROUGH,
    extras: [PULL_NEW],
    roles: {
      creator: ["add"],
      owner: ["view", "change", "delete", "manage_roles", PULL_NEW],
      collaborator: ["view", PULL_NEW],
      consumer: ["view", PULL_NEW],
    },
  },
  {
    model: REPOSITORY,
    extras: [
      ...["sync", "modify_content", "build_image"].map(
        (verb) => `container.${verb}_containerrepository`,
      ),
      VERSIONS,
    ],
    roles: {
      creator: ["add"],
      owner: [...OWNER_VERBS, VERSIONS, "sync", "modify_content", "build_image"],
      content_manager: ["view", VERSIONS, "sync", "modify_content", "build_image"],
      viewer: ["view"],
    },
  },
  {
    model: PUSH_REPOSITORY,
    extras: ["container.modify_content_containerpushrepository"],
    roles: {},
  },
  { model: "container.containerremote", roles: STANDARD_ROLES },
  { model: "container.containerpullthroughremote", roles: STANDARD_ROLES },
  ...["tag", "manifest", "blob", "manifestsignature"].map((name) => ({
    model: `container.${name}`,
    isPlain: true as const,
  })),
];

export const containerRules: AccessRules = {
  policies: [
    ...[repository, versions, pushRepository, pushVersions, remote, pullThroughRemote],
    ...[distribution, pullThrough, namespace, ...contents],
  ],
  models,
  adminOnly: [],
  checks: containerChecks,
};

import { boolean, repositoryResource, syncAction, versionsResource } from "#sdk";
import { syncImages } from "../mirror/task.ts";
import { buildAction } from "./build-action.ts";
import { globColumn } from "./globs.ts";
import { names } from "./names.ts";
import {
  addAction,
  copyManifestsAction,
  copyTagsAction,
  migrateAction,
  REPOSITORY,
  removeAction,
  removeSignaturesAction,
} from "./repository-actions.ts";
import { retentionAction, retentionPolicy } from "./retention-action.ts";
import { manifestSigningService, signAction } from "./sign-action.ts";
import { removeImageAction, tagAction, untagAction } from "./tag-actions.ts";
import { visibleRepositories } from "./visibility.ts";

const detail = {
  detail: "container_repository",
  isSparse: true,
  fields: {
    manifest_signing_service: manifestSigningService,
    immutable_tags: globColumn("immutable_tags"),
    immutable_tags_except: globColumn("immutable_tags_except"),
    retention_policy: retentionPolicy,
  },
  visibility: visibleRepositories,
} as const;

const ofBoth = [
  ...[tagAction, untagAction, removeImageAction, removeSignaturesAction],
  ...[signAction, retentionAction],
];

const sync = syncAction({
  model: REPOSITORY,
  task: syncImages,
  schema: "ContainerRepositorySyncURL",
  fields: { signed_only: boolean({ default: false }) },
  remoteTypes: ["container.container"],
  input: ({ repository, remote, values }) => ({
    repository,
    remote,
    mirror: values.mirror === true,
    signedOnly: values.signed_only === true,
  }),
});

export const containerRepositoryResource = repositoryResource({
  ...names("ContainerRepository", "repositories/container/container", {
    title: "container repository",
    type: "container.container",
  }),
  ...detail,
  without: ["modify"],
  remoteTypes: ["container.container"],
  actions: [
    sync,
    buildAction,
    addAction,
    removeAction,
    copyTagsAction,
    copyManifestsAction,
    ...ofBoth,
  ],
});

export const containerVersions = versionsResource(containerRepositoryResource);

/** Of old clients: pushes make ordinary repositories now (plugin-container §0). */
export const pushRepositoryResource = repositoryResource({
  ...names("ContainerPushRepository", "repositories/container/container-push", {
    title: "container push repository",
    type: "container.container-push",
  }),
  ...detail,
  without: ["create", "delete", "modify", "remote"],
  actions: [...ofBoth, migrateAction],
});

export const pushVersions = versionsResource(pushRepositoryResource);

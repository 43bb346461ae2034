import { repositoryResource, signingServiceField, versionsResource } from "#sdk";
import { names } from "./names.ts";
import {
  addAction,
  copyManifestsAction,
  copyTagsAction,
  migrateAction,
  removeAction,
  removeImageAction,
  removeSignaturesAction,
  tagAction,
  untagAction,
} from "./repository-actions.ts";
import { visibleRepositories } from "./visibility.ts";

const detail = {
  detail: "container_repository",
  isSparse: true,
  fields: {
    manifest_signing_service: signingServiceField("manifest_signing_service", {
      kind: "container.ManifestSigningService",
      what: "manifest signing service",
    }),
  },
  visibility: visibleRepositories,
} as const;

const ofBoth = [tagAction, untagAction, removeImageAction, removeSignaturesAction];

export const containerRepositoryResource = repositoryResource({
  ...names("ContainerRepository", "repositories/container/container", {
    title: "container repository",
    type: "container.container",
  }),
  ...detail,
  without: ["modify"],
  actions: [addAction, removeAction, copyTagsAction, copyManifestsAction, ...ofBoth],
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

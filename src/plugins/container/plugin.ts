import { definePlugin } from "#sdk";
import { buildImage } from "./build/task.ts";
import {
  containerBlob,
  containerDistribution,
  containerManifest,
  containerPullThroughDistribution,
  containerPullThroughRemote,
  containerRemote,
  containerSignature,
  containerTag,
} from "./content.ts";
import { hidePullThrough, serveBlobs } from "./content-app.ts";
import {
  migratePushRepository,
  recursiveAdd,
  recursiveRemove,
  tagImage,
  untagImage,
} from "./content-edits/tasks.ts";
import { deleteDistributionTask } from "./delete-distributions.ts";
import { flatpakDoor } from "./flatpak/door.ts";
import { flatpakSettings } from "./flatpak/settings.ts";
import { mirrorSettings } from "./mirror/settings.ts";
import { syncImages } from "./mirror/task.ts";
import { containerRules } from "./policies.ts";
import { evictFromAllCaches, evictFromCaches, evictionSchedules } from "./pull/eviction/task.ts";
import { pullSettings } from "./pull/settings.ts";
import { registryIngress } from "./registry/ingress.ts";
import { registry } from "./registry/open.ts";
import { registrySettings } from "./registry/settings.ts";
import { registryAuthSettings } from "./registry-auth/settings.ts";
import { tokenDoor } from "./registry-auth/token-door.ts";
import { containerPushRepository, containerRepository } from "./repository.ts";
import { blobResource, manifestResource, signatureResource, tagResource } from "./rest/content.ts";
import {
  containerDistributionResource,
  pullThroughDistributionResource,
} from "./rest/distributions.ts";
import { evictionSchemas } from "./rest/evict-action.ts";
import { namespaceResource } from "./rest/namespaces.ts";
import { containerRemoteResource, pullThroughRemoteResource } from "./rest/remotes.ts";
import {
  containerRepositoryResource,
  containerVersions,
  pushRepositoryResource,
  pushVersions,
} from "./rest/repositories.ts";
import { removedSignaturesSchema } from "./rest/repository-actions.ts";
import { retentionSchemas } from "./rest/retention-action.ts";
import { tokenOperation } from "./rest/token-operation.ts";
import { manifestSigner } from "./sign/sample.ts";
import { signSettings } from "./sign/settings.ts";
import { signImages } from "./sign/task.ts";
import { signaturesDoor } from "./signatures/door.ts";
import {
  applyAllRetentionPolicies,
  applyRetentionPolicy,
  retentionSchedules,
} from "./tag-rules/retention/task.ts";
import { registryRemotes } from "./upstream/session.ts";

export const container = definePlugin({
  label: "container",
  version: "2.30.0",
  package: "pulp-container",
  module: "pulp_container.app",
  migrations: new URL("./migrations/", import.meta.url),
  entities: [
    ...[containerBlob, containerManifest, containerTag, containerSignature],
    ...[containerRepository, containerPushRepository],
    ...[containerRemote, containerPullThroughRemote],
    ...[containerDistribution, containerPullThroughDistribution],
  ],
  contentTypes: [containerBlob, containerManifest, containerTag, containerSignature],
  repositoryTypes: [containerRepository, containerPushRepository],
  doors: [registry, signaturesDoor, tokenDoor, flatpakDoor],
  ingress: registryIngress,
  remoteTypes: registryRemotes,
  resources: [
    ...[tagResource, manifestResource, blobResource, signatureResource],
    ...[containerRepositoryResource, containerVersions, pushRepositoryResource, pushVersions],
    ...[containerRemoteResource, pullThroughRemoteResource],
    ...[containerDistributionResource, pullThroughDistributionResource, namespaceResource],
  ],
  schemas: {
    RemoveSignaturesResponse: removedSignaturesSchema,
    ...retentionSchemas,
    ...evictionSchemas,
  },
  access: containerRules,
  signers: [manifestSigner],
  tasks: [
    ...[recursiveAdd, recursiveRemove, tagImage, untagImage, migratePushRepository],
    ...[buildImage, deleteDistributionTask, signImages, syncImages],
    ...[applyRetentionPolicy, applyAllRetentionPolicies],
    ...[evictFromCaches, evictFromAllCaches],
  ],
  schedules: [...retentionSchedules, ...evictionSchedules],
  described: [tokenOperation],
  delivery: [serveBlobs, hidePullThrough],
  settings: {
    ...registrySettings,
    ...registryAuthSettings,
    ...flatpakSettings,
    ...mirrorSettings,
    ...pullSettings,
    ...signSettings,
  },
  sealed: [{ model: "RegistryKey", table: "container_token_key", columns: ["private_key"] }],
});

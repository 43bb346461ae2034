import { definePlugin } from "#sdk";
import {
  pythonDistribution,
  pythonPackage,
  pythonProvenance,
  pythonPublication,
  pythonRemote,
  pythonYank,
} from "./content.ts";
import { pythonIndex } from "./index/site.ts";
import { addUpload, addUploadGroup } from "./index/upload-tasks.ts";
import { unyankRelease, yankRelease } from "./index/yank.ts";
import { mirrorSettings } from "./mirror/settings.ts";
import { pythonRules } from "./policies.ts";
import { publishingEndpoints } from "./publishing/mint.ts";
import { publishingSettings } from "./publishing/settings.ts";
import { servePulled } from "./pull/deliver.ts";
import { addPulled } from "./pull/keep.ts";
import { pythonRepository } from "./repository.ts";
import { pythonBlocklistResource } from "./rest/blocklist.ts";
import { pythonDistributionResource } from "./rest/distributions.ts";
import { pythonDownloadsResource } from "./rest/downloads.ts";
import { pythonPackageResource } from "./rest/packages.ts";
import { pythonProvenanceResource } from "./rest/provenance.ts";
import { pythonPublicationResource } from "./rest/publications.ts";
import { pythonRemoteResource } from "./rest/remotes.ts";
import { pythonRepositoryResource, pythonVersions } from "./rest/repositories.ts";
import { pythonTrustedPublisherResource } from "./rest/trusted-publishers.ts";
import { pythonYankResource } from "./rest/yanks.ts";
import { pythonSettings } from "./settings.ts";
import { publishPackages, repairPackages, scanPackages, syncPackages } from "./tasks.ts";

export const python = definePlugin({
  label: "python",
  version: "3.37.0",
  package: "pulp-python",
  module: "pulp_python.app",
  migrations: new URL("./migrations/", import.meta.url),
  entities: [
    pythonPackage,
    pythonProvenance,
    pythonYank,
    pythonRepository,
    pythonRemote,
    pythonPublication,
    pythonDistribution,
  ],
  contentTypes: [pythonPackage, pythonProvenance, pythonYank],
  repositoryTypes: [pythonRepository],
  resources: [
    pythonPackageResource,
    pythonProvenanceResource,
    pythonYankResource,
    pythonRepositoryResource,
    pythonVersions,
    pythonBlocklistResource,
    pythonTrustedPublisherResource,
    pythonRemoteResource,
    pythonPublicationResource,
    pythonDistributionResource,
    pythonDownloadsResource,
  ],
  sites: [pythonIndex],
  endpoints: publishingEndpoints,
  access: pythonRules,
  tasks: [
    ...[syncPackages, addPulled, publishPackages, repairPackages, scanPackages],
    ...[yankRelease, unyankRelease, addUpload, addUploadGroup],
  ],
  settings: { ...pythonSettings, ...mirrorSettings, ...publishingSettings },
  delivery: [servePulled],
  sealed: [{ model: "python.PullKey", table: "python_pull_key", columns: ["secret"] }],
});

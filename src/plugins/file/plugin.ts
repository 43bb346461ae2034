import { definePlugin } from "#sdk";
import { fileAcs, fileContent, fileDistribution, filePublication, fileRemote } from "./content.ts";
import { fileRules } from "./policies.ts";
import { fileRepository } from "./repository.ts";
import {
  fileAcsResource,
  fileContentResource,
  fileDistributionResource,
  filePublicationResource,
  fileRemoteResource,
  fileRepositoryResource,
  fileVersions,
} from "./rest.ts";
import { publishFiles, syncFiles } from "./tasks.ts";

export const file = definePlugin({
  label: "file",
  version: "3.95.0",
  package: "pulp-file",
  module: "pulp_file.app",
  migrations: new URL("./migrations/", import.meta.url),
  entities: [fileContent, fileRepository, fileRemote, filePublication, fileDistribution, fileAcs],
  contentTypes: [fileContent],
  repositoryTypes: [fileRepository],
  resources: [
    fileContentResource,
    fileRepositoryResource,
    fileVersions,
    fileRemoteResource,
    filePublicationResource,
    fileDistributionResource,
    fileAcsResource,
  ],
  access: fileRules,
  tasks: [syncFiles, publishFiles],
  delivery: [],
});

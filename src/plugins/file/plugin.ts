import type { CorePlugin } from "#sdk";
import { fileAcs, fileContent, fileDistribution, filePublication, fileRemote } from "./content.ts";
import { fileRepository } from "./repository.ts";
import { publishFiles, syncFiles } from "./tasks.ts";

/** What the core has to know of files; their endpoints are in `rest.ts`. */
export const fileCore: CorePlugin = {
  label: "file",
  version: "3.95.0",
  package: "pulp-file",
  module: "pulp_file.app",
  migrations: new URL("./migrations/", import.meta.url),
  entities: [fileContent, fileRepository, fileRemote, filePublication, fileDistribution, fileAcs],
  contentTypes: [fileContent],
  repositoryTypes: [fileRepository],
  tasks: [syncFiles, publishFiles],
};

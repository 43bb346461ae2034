import { definePlugin } from "#sdk";
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
import { registry } from "./registry/open.ts";
import { registrySettings } from "./registry/settings.ts";
import { registryAuthSettings } from "./registry-auth/settings.ts";
import { tokenDoor } from "./registry-auth/token-door.ts";
import { containerPushRepository, containerRepository } from "./repository.ts";
import { signaturesDoor } from "./signatures/door.ts";

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
  doors: [registry, signaturesDoor, tokenDoor],
  resources: [],
  access: { policies: [], models: [], adminOnly: [] },
  tasks: [],
  delivery: [],
  settings: { ...registrySettings, ...registryAuthSettings },
  sealed: [{ model: "RegistryKey", table: "container_token_key", columns: ["private_key"] }],
});

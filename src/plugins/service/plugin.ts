import { definePlugin } from "#sdk";

export const service = definePlugin({
  label: "service",
  version: "0.1.0",
  package: "pulp_service",
  module: "pulp_service.app",
  migrations: new URL("./migrations/", import.meta.url),
  isOptIn: true,
  entities: [],
  contentTypes: [],
  repositoryTypes: [],
  access: { policies: [], models: [{ model: "service.domainorg", isPlain: true }], adminOnly: [] },
  resources: [],
  tasks: [],
  delivery: [],
});

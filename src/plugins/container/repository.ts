import type { RepositoryType } from "#sdk";

const contentTypes = [
  "container.blob",
  "container.manifest",
  "container.tag",
  "container.signature",
] as const;

export const containerRepository: RepositoryType = {
  family: "repository",
  type: "container.container",
  model: "container.ContainerRepository",
  path: "repositories/container/container",
  contentTypes,
  servesPublications: false,
};

/** Of old clients: a push makes an ordinary repository now (plugin-container §0). */
export const containerPushRepository: RepositoryType = {
  family: "repository",
  type: "container.container-push",
  model: "container.ContainerPushRepository",
  path: "repositories/container/container-push",
  contentTypes,
  servesPublications: false,
};

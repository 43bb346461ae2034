import { type RepositoryType, sql } from "#sdk";

const contentTypes = [
  "container.blob",
  "container.manifest",
  "container.tag",
  "container.signature",
] as const;

/** What a version has is no longer pending (plugin-container §10.2). */
const finalizeVersion: RepositoryType["finalizeVersion"] = async (trx, { repository, n }) => {
  await sql`
    delete from container_pending p using membership m
    where p.repository = ${repository.id} and m.repository = ${repository.num}
      and m.content = p.content and m.added = ${n}`.execute(trx);
};

export const containerRepository: RepositoryType = {
  family: "repository",
  type: "container.container",
  model: "container.ContainerRepository",
  path: "repositories/container/container",
  contentTypes,
  servesPublications: false,
  finalizeVersion,
};

/** Of old clients: a push makes an ordinary repository now (plugin-container §0). */
export const containerPushRepository: RepositoryType = {
  family: "repository",
  type: "container.container-push",
  model: "container.ContainerPushRepository",
  path: "repositories/container/container-push",
  contentTypes,
  servesPublications: false,
  finalizeVersion,
};

import { type RepositoryType, sql } from "#sdk";
import {
  type ImmutableColumns,
  immutableTagsOf,
  refuseChangedTags,
} from "./tag-rules/immutable.ts";

const contentTypes = [
  "container.blob",
  "container.manifest",
  "container.tag",
  "container.signature",
] as const;

/** What a version has is no longer pending (plugin-container §10.2). */
const finalizing: Required<Pick<RepositoryType, "finalizeVersion">> = {
  async finalizeVersion(trx, draft) {
    const { repository, n } = draft;
    const { rows } = await sql<ImmutableColumns>`
      with settled as (
        delete from container_pending p using membership m
        where p.repository = ${repository.id} and p.content = m.content
          and m.repository = ${repository.num} and m.added = ${n})
      select immutable_tags, immutable_tags_except from container_repository
      where id = ${repository.id} and immutable_tags <> '[]'`.execute(trx);
    const [rule] = rows;
    if (rule) await refuseChangedTags(trx, draft, immutableTagsOf(rule));
  },
};

export const containerRepository: RepositoryType = {
  family: "repository",
  type: "container.container",
  model: "container.ContainerRepository",
  path: "repositories/container/container",
  contentTypes,
  servesPublications: false,
  ...finalizing,
};

/** Of old clients: a push makes an ordinary repository now (plugin-container §0). */
export const containerPushRepository: RepositoryType = {
  family: "repository",
  type: "container.container-push",
  model: "container.ContainerPushRepository",
  path: "repositories/container/container-push",
  contentTypes,
  servesPublications: false,
  ...finalizing,
};
